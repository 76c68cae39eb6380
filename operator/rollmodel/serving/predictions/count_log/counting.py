"""Rows of a log become what the server would have counted: by step, with its own counter, under its own labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rollmodel.profile import Profile
from rollmodel.serving.drift.counter import Counter
from rollmodel.serving.drift.exposition import DriftMetrics
from rollmodel.serving.drift.signals import GROUPS, PREDICTION, Signal, signals_of
from rollmodel.serving.predictions.count_log.labels import Labels
from rollmodel.serving.predictions.count_log.reading import About
from rollmodel.serving.predictions.records import Record

__all__ = ["OUTCOMES", "StepCounts", "seen_columns"]

Counts = NDArray[np.int64]
Labelled = tuple[Mapping[str, str], float]

#: What is known of the rows of a bin of the score.
OUTCOMES = ("positive", "negative", "unlabelled")
_WHAT = {
    "rollmodel_profile_rows": "rows",
    "rollmodel_profile_info": "info",
    "rollmodel_profile_importance": "importance",
    "rollmodel_profile_positives": "positives",
    "rollmodel_profile_threshold": "threshold",
    "rollmodel_profile_hours": "hours",
    "rollmodel_profile_rhythm_group": "rhythm_group",
    "rollmodel_profile_rhythm": "rhythm",
}


def seen_columns(profile: Profile, about: About) -> Profile:
    """The profile without the columns that the log leaves out: they are not missing, they are not there."""
    kept = [one for one in profile.features if (one.name in about.include if about.include else True)]
    return replace(profile, features=tuple(one for one in kept if one.name not in about.exclude))


@dataclass(slots=True)
class _Step:
    cells: Counts
    outcomes: Counts


class StepCounts:
    """Counts of one revision, by the end of each step in unix seconds."""

    def __init__(self, profile: Profile, *, step: int, since: float, until: float) -> None:
        self.profile = profile
        self.step = step
        self.rows = 0
        self._since, self._until = since, until
        self._signals, _ = signals_of(profile)
        self._size = sum(signal.bins + len(GROUPS) for signal in self._signals) + 1
        self._score = self._scored(profile)
        self._steps: dict[int, _Step] = {}

    def add(self, records: Sequence[Record], labels: Labels) -> None:
        """Count these rows; those outside the time do not count."""
        by_step: dict[int, list[Record]] = {}
        for record in records:
            if self._since < record.time <= self._until:
                by_step.setdefault(math.ceil(record.time / self.step) * self.step, []).append(record)
        for end, rows in by_step.items():
            self.rows += len(rows)
            step = self._steps.setdefault(end, self._empty())
            data = {one.column.name: _column(rows, one.column.name) for one in self._signals if one.name != PREDICTION}
            scores = _objects([row.score for row in rows])
            Counter(self._signals, step.cells[:-1]).count([(data, scores)])
            if self._score is not None:
                self._add_outcomes(step, rows, labels)

    def ends(self) -> list[int]:
        """All steps from the first one with rows on: those without rows count, too."""
        first = min(self._steps, default=None)
        return [] if first is None else list(range(first, int(self._until) + 1, self.step))

    def reference(self) -> list[Labelled]:
        """The profile as the server shows it; the label ``what`` says which series it is."""
        return [
            ({**labels, "what": _WHAT[name]}, value)
            for name, labels, value in self._shown(self._empty().cells)
            if name in _WHAT
        ]

    def counts(self, end: int) -> Iterator[Labelled]:
        """The counts of a step under the labels of the server's series."""
        step = self._steps.get(end, self._empty())
        for signal in self._signals:
            cells, numeric = signal.cells(step.cells), signal.column.kind == "numeric"
            bins = np.cumsum(cells[: signal.bins]) if numeric else cells[: signal.bins]
            label, names = ("le", signal.bounds()) if numeric else ("category", signal.categories())
            for name, value in zip(names, bins.tolist(), strict=True):
                yield {"signal": signal.name, label: name}, value
            for name, value in zip(GROUPS, cells[signal.bins :].tolist(), strict=True):
                yield {"signal": signal.name, "group": name}, value

    def outcomes(self, end: int) -> Iterator[Labelled]:
        """Rows of a step by bin of the score and by what turned out to be true; nothing without a calibrated score."""
        if self._score is None:
            return
        step = self._steps.get(end, self._empty())
        for row, le in enumerate(self._score.bounds()):
            for column, outcome in enumerate(OUTCOMES):
                yield {"signal": PREDICTION, "le": le, "outcome": outcome}, float(step.outcomes[row, column])

    def _empty(self) -> _Step:
        bins = self._score.bins if self._score is not None else 0
        return _Step(np.zeros(self._size, dtype=np.int64), np.zeros((bins, len(OUTCOMES)), dtype=np.int64))

    def _scored(self, profile: Profile) -> Signal | None:
        known = profile.score is not None and profile.score.positives is not None
        return next((one for one in self._signals if one.name == PREDICTION), None) if known else None

    def _add_outcomes(self, step: _Step, rows: Iterable[Record], labels: Labels) -> None:
        assert self._score is not None  # noqa: S101  asked before
        edges = np.asarray(self._score.column.edges)
        for row in rows:
            score = row.score
            if isinstance(score, int | float) and score == score:  # noqa: PLR0124  NaN
                label = labels.of(row.id)
                column = 2 if label is None else 0 if label else 1
                step.outcomes[int(np.searchsorted(edges, score, side="left")), column] += 1

    def _shown(self, cells: Counts) -> Iterator[tuple[str, dict[str, str], float]]:
        for family in DriftMetrics(self.profile, self._signals, _Fixed(cells)).collect():
            for sample in family.samples:
                yield sample.name, {key: value for key, value in sample.labels.items() if value}, float(sample.value)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Stands where the server's recorder stands."""

    cells: Counts

    def counts(self) -> Counts:
        """What was counted in one step, by signal and bin."""
        return self.cells


def _column(rows: Sequence[Record], name: str) -> Any:
    """The values of a column, each as it is; all missing where no row has it."""
    return _objects([row.features.get(name) for row in rows])


def _objects(values: Sequence[Any]) -> Any:
    return np.fromiter(values, dtype=object, count=len(values))
