"""The stable revision at the same time: what a candidate is compared with, so that the world's changes cancel.

The candidate's share of the traffic grows while the world goes on, so its rows are later ones. Each step of the stable
revision therefore counts as much as the candidate's rows of that step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.brackets import Bracketed, compare_brackets
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.profile.signal import Signal

__all__ = ["Concurrent", "Totals", "in_order_of"]

_OTHER = "__other__"


@dataclass(frozen=True, slots=True)
class Totals:
    """Of one window: counts of both over common bins [S, K], and missing, unseen and all rows [S, 3].

    ``unseen`` of the stable revision is that of its own profile. ``outside`` has signals whose edges differ.
    """

    live: Array
    reference: Array
    live_groups: Array
    reference_groups: Array
    outside: dict[int, tuple[Array, Array]]


@dataclass(frozen=True, slots=True)
class Concurrent:
    """A candidate's counts beside those of the stable revision."""

    candidate: History
    stable: History

    def totals(self, begin: float, end: float) -> Totals:
        """The steps that end after ``begin`` and not after ``end``, and that both have."""
        layout = self.candidate.layout
        steps = [one for one in self.candidate.steps if begin < one <= end and one in self.stable.steps]
        empty, groups = np.zeros(layout.shape), np.zeros((len(layout.signals), 3))
        if not steps:
            return Totals(empty, empty, groups, groups, {})
        own, others = (np.stack([of.steps[one] for one in steps]) for of in (self.candidate, self.stable))
        live, seen = self.candidate.bins(own), self.candidate.groups(own)
        raw = np.stack([self._mapped(one) for one in self.stable.bins(others)])
        known = np.stack([self._mapped(one) for one in self.stable.groups(others)])
        live, raw = _at_the_same_time(live, raw, live.sum(axis=-1), raw.sum(axis=-1))
        seen, known = _at_the_same_time(seen, known, seen[..., 2], known[..., 2])
        common = [np.zeros(layout.shape), np.zeros(layout.shape)]
        outside: dict[int, tuple[Array, Array]] = {}
        for index, pair in enumerate(self._pairs()):
            if pair is None:
                continue
            signal, other = pair
            mine, theirs = _groups_of(signal, other)
            np.add.at(common[0][index], mine, live[index, : len(mine)])
            np.add.at(common[1][index], theirs, raw[index, : len(theirs)])
            if signal.cumulative and signal.bins != other.bins:
                outside[index] = live[index, : len(mine)], raw[index, : len(theirs)]
        return Totals(common[0], common[1], seen, known, outside)

    def brackets(self, totals: Totals, index: int, dispersion: float) -> Bracketed | None:
        """What edges that differ let one see of this signal; None where they are the same."""
        counts, pair = totals.outside.get(index), self._pairs()[index]
        if counts is None or pair is None:
            return None
        return compare_brackets(counts[0], _edges(pair[0]), counts[1], _edges(pair[1]), dispersion)

    def same_bins(self, index: int) -> bool:
        """Whether both count this signal into the same bins."""
        pair = self._pairs()[index]
        return pair is not None and set(pair[0].bins) == set(pair[1].bins)

    def alone(self) -> Sequence[str]:
        """Columns that only the candidate has: nothing is compared with them."""
        return [one.column for one, pair in zip(self.candidate.layout.signals, self._pairs(), strict=True) if not pair]

    def _pairs(self) -> list[tuple[Signal, Signal] | None]:
        known = {one.name: one for one in self.stable.layout.signals}
        found = ((one, known.get(one.name)) for one in self.candidate.layout.signals)
        return [(one, other) if other and other.cumulative == one.cumulative else None for one, other in found]

    def _mapped(self, values: Array) -> Array:
        """Rows of the stable revision's signals in the candidate's order; zeros where it has none."""
        return in_order_of(self.candidate, self.stable, values, 0.0)


def in_order_of(one: History, other: History, values: Array, missing: float) -> Array:
    """What ``other`` has for each signal [S, ...], in the order of the signals of ``one``."""
    at = {signal.name: index for index, signal in enumerate(other.layout.signals)}
    found = np.full((len(one.layout.signals), *values.shape[1:]), missing)
    for index, signal in enumerate(one.layout.signals):
        if signal.name in at:
            found[index] = values[at[signal.name]]
    return found


def _at_the_same_time(live: Array, other: Array, rows: Array, other_rows: Array) -> tuple[Array, Array]:
    """Sums over steps [T, S, ...] -> [S, ...]: the other's steps weighted as the live ones, worth fewer rows."""
    both = (rows > 0.0) & (other_rows > 0.0)
    n, m = np.where(both, rows, 0.0), np.where(both, other_rows, 1.0)
    total = n.sum(axis=0)
    worth = np.divide(total**2, (n**2 / m).sum(axis=0), out=np.zeros_like(total), where=total > 0.0)
    share = (other * (n / m)[..., None]).sum(axis=0) / np.maximum(total, 1e-9)[:, None]
    return (live * both[..., None]).sum(axis=0), share * worth[:, None]


def _groups_of(own: Signal, other: Signal) -> tuple[list[int], list[int]]:
    """The common bin of each bin of both: up to a shared bound, of a shared category, or the rest."""
    names = {key[2] for key in own.bins} & {key[2] for key in other.bins}
    if not own.cumulative:
        order = {name: index for index, name in enumerate(sorted(names - {_OTHER}))}
        rest = len(order)
        mine, theirs = ([order.get(key[2], rest) for key in one.bins] for one in (own, other))
        return mine, theirs
    shared = sorted(float(name) for name in names)
    mine, theirs = ([int(np.searchsorted(shared, float(key[2]))) for key in one.bins] for one in (own, other))
    return mine, theirs


def _edges(signal: Signal) -> Array:
    return np.array([float(key[2]) for key in signal.bins[:-1]])
