"""What the pod is told about its prediction log, in one variable. Without the variable there is no log."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rollmodel.errors import Invalid

__all__ = ["VARIABLE", "LogConfig", "configured"]

VARIABLE = "ROLLMODEL_PREDICTION_LOG"
_FORMATS = ("JSONLines", "Parquet")


@dataclass(frozen=True, slots=True)
class LogConfig:
    """Where to, and how much. ``to`` is a folder or ``s3://bucket/prefix``; bytes and seconds are at most."""

    to: str
    model: str = "model"
    revision: str = "revision"
    format: Literal["JSONLines", "Parquet"] = "JSONLines"
    sample_ratio: float = 1.0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_file_bytes: int = 64 * 2**20
    max_file_seconds: int = 300
    max_total_bytes: int = 0
    """Files of this process beyond that are deleted, the oldest first; 0: they stay."""

    def keeps(self, column: str) -> bool:
        """Whether this column may be written."""
        return column in self.include if self.include else column not in self.exclude

    @property
    def in_bucket(self) -> bool:
        """Whether files go to S3."""
        return self.to.startswith("s3://")


def configured(env: Mapping[str, str] = os.environ) -> LogConfig | None:
    """What the variable says. Raises Invalid (PredictionLogInvalid) where it cannot be understood."""
    text = env.get(VARIABLE)
    if not text:
        return None
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid(f"{VARIABLE} cannot be understood: {error}", reason="PredictionLogInvalid") from error


def _parsed(content: Mapping[str, Any]) -> LogConfig:
    usual = LogConfig(to=str(content["to"]))
    wanted = LogConfig(
        to=usual.to,
        model=str(content.get("model", usual.model)),
        revision=str(content.get("revision", usual.revision)),
        format=content.get("format", usual.format),
        sample_ratio=float(content.get("sampleRatio", usual.sample_ratio)),
        include=tuple(map(str, content.get("includeColumns", ()))),
        exclude=tuple(map(str, content.get("excludeColumns", ()))),
        max_file_bytes=int(content.get("maxFileBytes", usual.max_file_bytes)),
        max_file_seconds=int(content.get("maxFileSeconds", usual.max_file_seconds)),
        max_total_bytes=int(content.get("maxTotalBytes", usual.max_total_bytes)),
    )
    if wanted.format not in _FORMATS:
        raise ValueError(f"`format` must be {' or '.join(_FORMATS)}")
    if not 0.0 <= wanted.sample_ratio <= 1.0:
        raise ValueError("`sampleRatio` must be from 0 to 1")
    if any(part in {"", ".", ".."} or "/" in part for part in (wanted.model, wanted.revision)):
        raise ValueError("`model` and `revision` are names of folders")
    return wanted
