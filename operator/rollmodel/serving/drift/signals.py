"""The signals of a profile, each with a run of cells in one array: its bins, then missing, unseen and all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from prometheus_client.utils import floatToGoString

from rollmodel.profile import Column, Profile

__all__ = ["GROUPS", "MOST_SIGNALS", "PREDICTION", "Signal", "signals_of"]

Counts = NDArray[np.int64]

#: Cells behind the bins of each signal.
GROUPS = ("null", "unseen", "all")
#: The name of the signal that counts scores; a feature is ``feature:<name>``.
PREDICTION = "prediction"
#: The most signals that are counted: 300 of 12 bins make 9,000 series in each pod.
MOST_SIGNALS = 300
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Signal:
    """A column and where its cells begin."""

    name: str
    column: Column
    start: int

    @property
    def bins(self) -> int:
        """How many bins it has."""
        return len(self.column.counts)

    def cells(self, counts: Counts) -> Counts:
        """Its part of the array."""
        return counts[self.start : self.start + self.bins + len(GROUPS)]

    def reference(self) -> Counts:
        """The cells of the profile."""
        unseen = self.column.outside if self.column.kind == "numeric" else self.column.counts[-1]
        rows = sum(self.column.counts) + self.column.nulls
        return np.array([*self.column.counts, self.column.nulls, unseen, rows], dtype=np.int64)

    def bounds(self) -> Sequence[str]:
        """The label ``le`` of each bin of a numeric column."""
        return [*(floatToGoString(edge) for edge in self.column.edges), "+Inf"]  # type: ignore[no-untyped-call]

    def categories(self) -> Sequence[str]:
        """The label ``category`` of each bin of a categorical column; a long text is cut."""
        listed = enumerate(self.column.categories)
        return [*(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}~{i}" for i, text in listed), "__other__"]


def signals_of(profile: Profile) -> tuple[tuple[Signal, ...], int]:
    """The signals that are counted, and how many features are left out: the least important ones."""
    ranked = sorted(profile.features, key=lambda feature: -feature.importance)[: MOST_SIGNALS - 1]
    kept = {feature.name for feature in ranked}
    columns = [(f"feature:{one.name}", one) for one in profile.features if one.name in kept]
    if profile.score is not None:
        columns.append((PREDICTION, profile.score.column))
    found, start = [], 0
    for name, column in columns:
        found.append(Signal(name, column, start))
        start += found[-1].bins + len(GROUPS)
    return tuple(found), len(profile.features) - len(kept)
