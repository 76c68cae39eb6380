"""The schemes of addresses, in one place: which a spec may name, and which our own image reads.

Imports nothing, because the container that fetches a model starts with it.
"""

from __future__ import annotations

__all__ = ["DATA", "FETCHED", "IMAGE", "MODELS"]

_MLFLOW = ("mlflow-artifacts:/", "runs:/", "models:/")

#: Where a model may come from: what our image reads, and what the kubelet mounts.
MODELS = ("s3://", "https://", "pvc://", "oci://", "mlflow-artifacts://", *_MLFLOW)

#: An image by its digest, and a path within it: groups ``reference`` and ``path``. A tag may stand before the digest.
IMAGE = (
    r"^oci://(?P<reference>[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?@sha256:[0-9a-f]{64})(?P<path>(/[A-Za-z0-9._-]+)*)/?$"
)

#: Where the inputs of a training may come from. What our image does not read, the code of the training reads itself.
DATA = (
    *("s3://", "gs://", "https://", "hf://", "oci://", "pvc://"),
    *("dvc://", "lakefs://", "git+https://"),
    *_MLFLOW,
)

#: What our image reads and verifies.
FETCHED = ("models:/", "runs:/", "mlflow-artifacts:/", "https://", "s3://", "pvc://")
