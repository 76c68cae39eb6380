"""The schemes of addresses, in one place: which a spec may name, and which our own image reads.

Imports nothing, because the container that fetches a model starts with it.
"""

from __future__ import annotations

__all__ = ["DATA", "FETCHED", "MODELS"]

_STORES = ("s3://", "gs://", "https://", "hf://", "oci://", "pvc://")
_MLFLOW = ("mlflow-artifacts:/", "runs:/", "models:/")

#: Where a model may come from.
MODELS = (*_STORES, "mlflow-artifacts://", *_MLFLOW)

#: Where the inputs of a training may come from. What our image does not read, the code of the training reads itself.
DATA = (*_STORES, "dvc://", "lakefs://", "git+https://", *_MLFLOW)

#: What our image reads and verifies.
FETCHED = ("models:/", "runs:/", "mlflow-artifacts:/", "https://", "s3://", "pvc://")
