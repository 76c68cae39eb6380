"""The prediction log in the pod: a variable that says what to write, a volume, and a login. Nothing without a log."""

from __future__ import annotations

import json
from typing import Any

from rollmodel.api.modeldeployment import PredictionLog
from rollmodel.plan.pods.spec import claim_of, literal, store_environment

__all__ = ["VOLUME", "log_environment", "log_mounts", "log_volumes"]

VOLUME = "prediction-log"
VARIABLE = "ROLLMODEL_PREDICTION_LOG"
_FOLDER = "/mnt/predictions"
_POD_BYTES = 512 * 2**20
"""What a volume of the pod holds, unless the spec says otherwise: a node evicts pods that take its disk."""


def log_environment(log: PredictionLog | None, owner: str, revision: str, workers: int) -> list[dict[str, Any]]:
    """Variables of the model server."""
    if log is None:
        return []
    total = log.max_total_bytes if log.max_total_bytes is not None else None if log.uri else _POD_BYTES // workers
    content = {
        "to": _folder(log),
        "model": owner,
        "revision": revision,
        "format": log.format,
        "sampleRatio": float(log.sample_ratio),
        "includeColumns": log.include_columns,
        "excludeColumns": log.exclude_columns,
        "maxFileBytes": log.max_file_bytes,
        "maxFileSeconds": log.max_file_seconds,
        "maxTotalBytes": total,
    }
    text = json.dumps({key: value for key, value in content.items() if value is not None})
    login = store_environment(log.uri, log.connection_ref.name)["env"] if log.uri and log.connection_ref else []
    return [{"name": VARIABLE, "value": literal(text)}, *login]


def log_mounts(log: PredictionLog | None) -> list[dict[str, Any]]:
    """Where the model server finds the volume."""
    return [{"name": VOLUME, "mountPath": _FOLDER}] if _has_volume(log) else []


def log_volumes(log: PredictionLog | None) -> list[dict[str, Any]]:
    """The claim, or a volume of the pod."""
    if log is None or not _has_volume(log):
        return []
    if log.uri and (claim := claim_of(log.uri)):
        return [{"name": VOLUME, "persistentVolumeClaim": {"claimName": claim[0]}}]
    return [{"name": VOLUME, "emptyDir": {}}]


def _has_volume(log: PredictionLog | None) -> bool:
    return log is not None and not (log.uri or "").startswith("s3://")


def _folder(log: PredictionLog) -> str:
    if log.uri is None:
        return _FOLDER
    claim = claim_of(log.uri)
    return log.uri if claim is None else f"{_FOLDER}/{claim[1]}".rstrip("/")
