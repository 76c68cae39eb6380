"""Rows of requests as records: id, time, revision, score, and the columns that may be written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from rollmodel.serving.drift.counter import row_count, scores_of
from rollmodel.serving.predictions.config import LogConfig
from rollmodel.serving.predictions.identity import row_ids

__all__ = ["Record", "Recorded", "Request", "to_line"]

#: A record that takes more bytes as a line is not written.
LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the model. ``time`` in unix seconds."""

    id: str
    time: float
    data: Any
    answer: Any

    @property
    def rows(self) -> int:
        """How many rows were asked."""
        return row_count(self.data)


@dataclass(frozen=True, slots=True)
class Record:
    """One row. ``time`` in unix seconds, ``score`` None where the answer has not one value for each row."""

    id: str
    time: float
    revision: str
    score: Any
    features: Mapping[str, Any]


class Recorded:
    """Makes records. ``names`` are the columns of an array that has none itself."""

    def __init__(self, config: LogConfig, names: Sequence[str] = ()) -> None:
        self._config = config
        self._names = list(names)
        self._kept: dict[tuple[str, ...], list[tuple[int, str]]] = {}

    def records(self, request: Request) -> list[Record]:
        """Those of one request."""
        names, rows = self._table(request.data)
        kept = self._columns(names)
        scores = scores_of(request.answer)
        values = [None] * len(rows) if scores is None or len(scores) != len(rows) else scores.tolist()
        revision = self._config.revision
        return [
            Record(one, request.time, revision, score, {name: row[index] for index, name in kept})
            for one, score, row in zip(row_ids(request.id, len(rows)), values, rows, strict=True)
        ]

    def _table(self, data: Any) -> tuple[tuple[str, ...], list[list[Any]]]:
        if hasattr(data, "columns"):
            return tuple(map(str, data.columns)), data.to_numpy().tolist()
        if isinstance(data, Mapping):
            columns = [np.atleast_1d(values).tolist() for values in data.values()]
            rows = max(map(len, columns), default=0)
            if any(len(column) != rows for column in columns):
                columns = [column if len(column) == rows else [None] * rows for column in columns]
            return tuple(map(str, data)), [list(row) for row in zip(*columns, strict=True)]
        array = np.asarray(data, dtype=None if isinstance(data, np.ndarray) else object)
        found = array.reshape(len(array), -1).tolist() if array.ndim else []
        width = len(found[0]) if found else 0
        return tuple(self._names if len(self._names) == width else map(str, range(width))), found

    def _columns(self, names: tuple[str, ...]) -> list[tuple[int, str]]:
        kept = self._kept.get(names)
        if kept is None:
            kept = [(index, name) for index, name in enumerate(names) if self._config.keeps(name)]
            if len(self._kept) > 100:  # clients that send other columns each time
                self._kept.clear()
            self._kept[names] = kept
        return kept


def to_line(record: Record) -> bytes:
    """The record as a line of JSON, without what JSON does not know: NaN is null, an infinite number a text."""
    content = {
        "id": record.id,
        "time": datetime.fromtimestamp(record.time, UTC).isoformat(timespec="milliseconds"),
        "revision": record.revision,
        "score": record.score,
        "features": record.features,
    }
    try:
        text = json.dumps(content, separators=(",", ":"), allow_nan=False, default=_plain)
    except ValueError:
        text = json.dumps(_known(content), separators=(",", ":"), allow_nan=False, default=_plain)
    return text.encode() + b"\n"


def _known(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _known(one) for key, one in value.items()}
    return [_known(one) for one in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return _known(value.tolist())
    return None if type(value).__name__ in {"NAType", "NaTType"} else str(value)
