"""What was counted in each step: kept in memory, asked of Prometheus again after a restart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.plan.drift.profile.layout import MOST_ROWS, Layout, Points, edge_of, key_of
from rollmodel.plan.drift.profile.signal import GROUPS
from rollmodel.plan.problem import Problem

__all__ = ["MOST_NUMBERS", "OUTCOMES", "History", "too_many", "whole_rows"]

OUTCOMES = ("positive", "negative", "unlabelled")
#: Steps times cells that are kept of one policy: 64 MiB.
MOST_NUMBERS = 8_000_000


def too_many(layout: Layout, steps: float, *, outcomes: int = 0) -> Problem | None:
    """Why so many steps, with as many numbers of ``outcomes``, are not read: others' policies need memory, too."""
    cells = len(layout.keys)
    if steps * cells + outcomes <= MOST_NUMBERS:
        return None
    return Problem(
        "TooManyCounts",
        f"{steps:.0f} steps of {cells} counts each are more than the {MOST_NUMBERS} numbers that are kept: use longer"
        " steps, shorter windows, or a profile of fewer columns",
    )


def whole_rows(number: float) -> int:
    """A number of rows as status can keep it: what somebody counts may be more than there is."""
    return int(min(number, MOST_ROWS))


@dataclass(frozen=True, slots=True)
class History:
    """Cells of each step, by the step's end in unix seconds; the order is that of ``layout.keys``.

    A step without series is absent, one with series has 0 where a series is missing.
    """

    layout: Layout
    steps: Mapping[int, Array] = field(default_factory=dict)
    outcomes: Mapping[int, Array] = field(default_factory=dict)
    """Of each step, rows by bin of the score [K] that turned out positive, negative, or have no label [K, 3]."""

    def with_answer(self, series: Iterable[Points]) -> History:
        """With the steps of this answer."""
        at = {key: index for index, key in enumerate(self.layout.keys)}
        found: dict[int, Array] = {}
        for labels, points in series:
            key = key_of(labels)
            index = at.get(key) if key is not None else None
            for moment, value in points if index is not None else ():
                cells = found.setdefault(round(moment), np.zeros(len(at)))
                cells[index] = max(0.0, value) if np.isfinite(value) else 0.0
        return replace(self, steps={**self.steps, **found})

    def with_outcomes(self, series: Iterable[Points]) -> History:
        """With what turned out to be true, by the bins of the score."""
        scores = next((signal for signal in self.layout.signals if signal.name == "prediction"), None)
        at = {key[2]: row for row, key in enumerate(scores.bins)} if scores is not None else {}
        found: dict[int, Array] = {}
        for labels, points in series:
            row, outcome = at.get(edge_of(labels.get("le", ""))), labels.get("outcome", "")
            for moment, value in points if row is not None and outcome in OUTCOMES else ():
                step = found.setdefault(round(moment), np.zeros((len(at), len(OUTCOMES))))
                step[row, OUTCOMES.index(outcome)] = max(0.0, value)
        return replace(self, outcomes=found)

    def labelled(self, begin: float, end: float) -> Array | None:
        """The sum of the outcomes [K, 3] of the steps after ``begin`` and not after ``end``; None without any."""
        inside = [step for moment, step in self.outcomes.items() if begin < moment <= end]
        return np.asarray(np.sum(inside, axis=0)) if inside else None

    @property
    def labelled_rows(self) -> int:
        """Rows of all steps that are known to have turned out positive or negative."""
        return whole_rows(sum(step[:, :2].sum() for step in self.outcomes.values()))

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        return len(self.steps) * len(self.layout.keys)

    def since(self, moment: float) -> History:
        """Without the steps that end before."""
        return replace(self, steps={end: cells for end, cells in self.steps.items() if end >= moment})

    def total(self, begin: float, end: float) -> Array:
        """The sum of the steps that end after ``begin`` and not after ``end``."""
        inside = [cells for moment, cells in self.steps.items() if begin < moment <= end]
        return np.sum(inside, axis=0) if inside else np.zeros(len(self.layout.keys))

    def rows(self, begin: float, end: float) -> tuple[list[int], Array]:
        """The steps that end after ``begin`` and not after ``end``, and the rows that were counted into bins [T, S]."""
        ends = sorted(moment for moment in self.steps if begin < moment <= end)
        if not ends:
            return ends, np.zeros((0, len(self.layout.signals)))
        behind = np.cumsum([len(signal.bins) + len(GROUPS) for signal in self.layout.signals])
        cells = np.stack([self.steps[moment] for moment in ends])
        return ends, cells[:, behind - 1] - cells[:, behind - len(GROUPS)]

    def bins(self, cells: Array) -> Array:
        """Of cells [..., C] the bins of each signal [..., S, K], not cumulative."""
        found, start = np.zeros((*cells.shape[:-1], *self.layout.shape)), 0
        for row, signal in enumerate(self.layout.signals):
            end = start + len(signal.bins)
            found[..., row, : end - start] = cells[..., start:end]
            start = end + len(GROUPS)
        up = [row for row, signal in enumerate(self.layout.signals) if signal.cumulative]
        widths = np.array([len(self.layout.signals[row].bins) for row in up])
        rows = np.diff(found[..., up, :], prepend=0.0, axis=-1)
        found[..., up, :] = np.where(np.arange(found.shape[-1]) < widths[:, None], np.maximum(rows, 0.0), 0.0)
        return found

    def groups(self, cells: Array) -> Array:
        """Of cells [..., C] missing, unseen and all rows of each signal [..., S, 3]."""
        behind = np.cumsum([len(signal.bins) + len(GROUPS) for signal in self.layout.signals])
        return np.asarray(cells[..., behind[:, None] + np.arange(-len(GROUPS), 0)])
