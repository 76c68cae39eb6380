"""The schemes of addresses, in one place: which a spec may name, and which our own image reads.

Imports nothing, because the container that fetches a model starts with it.
"""

from __future__ import annotations

__all__ = ["DATA", "FETCHED", "MODELS"]

_MLFLOW = ("mlflow-artifacts:/", "runs:/", "models:/")

#: Where a model may come from: what our image reads.
MODELS = ("s3://", "https://", "pvc://", "mlflow-artifacts://", *_MLFLOW)

#: Where the inputs of a training may come from. What our image does not read, the code of the training reads itself.
DATA = (
    *("s3://", "gs://", "https://", "hf://", "oci://", "pvc://"),
    *("dvc://", "lakefs://", "git+https://"),
    *_MLFLOW,
)

#: What our image reads and verifies.
FETCHED = ("models:/", "runs:/", "mlflow-artifacts:/", "https://", "s3://", "pvc://")
