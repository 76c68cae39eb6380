"""The form of a profile, and how it is written.

A column is *numeric* (bins between edges) or *categorical* (one bin for each listed category, and one for all others).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["FILE_NAME", "FORMAT", "Column", "Profile", "ProfileError", "Rhythm", "Score"]

FILE_NAME = "profile.json"
FORMAT = "rollmodel-profile/1"


class ProfileError(ValueError):
    """A profile cannot be built or read. ``reason`` is one CamelCase word."""

    def __init__(self, message: str, *, reason: str = "ProfileInvalid") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a column follows the hours of the week.

    ``groups`` has the group of each bin: neighbours, since each cell of ``counts`` [parts][groups] is 0 or a group that
    is large enough to be told apart.
    """

    groups: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """As ``profile.json`` holds it."""
        return {"groups": list(self.groups), "counts": [list(row) for row in self.counts]}


@dataclass(frozen=True, slots=True)
class Column:
    """What one column held.

    A value v is in the first bin whose edge is at least v, or in the last bin (Prometheus' ``le``). ``counts`` has one
    number for each bin; for a categorical column the last one counts the categories that are not listed. ``nulls`` are
    in no bin. ``low`` and ``high`` are twice as far from the median of a numeric column as all but its outermost rows;
    ``outside`` counts what lies beyond.
    """

    name: str
    kind: Literal["numeric", "categorical"]
    counts: tuple[int, ...]
    nulls: int
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    outside: int = 0
    quantiles: tuple[float, ...] = ()
    """Of evenly spaced levels (i + 0.5) / n."""
    importance: float = 1.0
    rhythm: Rhythm | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``profile.json`` holds it."""
        common = {"name": self.name, "kind": self.kind, "counts": list(self.counts), "nulls": self.nulls}
        own: dict[str, Any] = {"categories": list(self.categories)}
        if self.kind == "numeric":
            own = {
                "edges": list(self.edges),
                "low": self.low,
                "high": self.high,
                "outside": self.outside,
                "quantiles": list(self.quantiles),
            }
        follows = {} if self.rhythm is None else {"rhythm": self.rhythm.to_json()}
        return {**common, **own, "importance": self.importance, **follows}


@dataclass(frozen=True, slots=True)
class Score:
    """What the model answered. ``positives`` are the rows of each bin whose true label was positive (None: not known).

    A score above ``threshold``, which is one of the edges, is a positive answer.
    """

    column: Column
    positives: tuple[int, ...] | None = None
    threshold: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``profile.json`` holds it."""
        positives = None if self.positives is None else list(self.positives)
        return {**self.column.to_json(), "positives": positives, "threshold": self.threshold}


@dataclass(frozen=True, slots=True)
class Profile:
    """What a model was trained on. No group of fewer than ``minimum_group`` rows is told apart."""

    rows: int
    minimum_group: int
    features: tuple[Column, ...]
    score: Score | None = None
    hours: tuple[int, ...] = ()
    """The first hour of each part of the week (hour 0: Monday 00:00 UTC); empty where no times are known."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The features, and the score if there is one."""
        return (*self.features, *([self.score.column] if self.score is not None else []))

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of the content."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def to_json(self) -> str:
        """The text of ``profile.json``: one line for each column."""
        content = {**self._content(), "digest": self.digest}
        features = ",\n".join(f"  {_line(feature)}" for feature in content.pop("features"))
        head = ",\n".join(f" {json.dumps(key)}: {_line(value)}" for key, value in content.items())
        return f'{{\n{head},\n "features": [\n{features}\n ]\n}}\n'

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "rows": self.rows,
            "minimumGroup": self.minimum_group,
            **({"hours": list(self.hours)} if self.hours else {}),
            "score": None if self.score is None else self.score.to_json(),
            "features": [feature.to_json() for feature in self.features],
        }


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
