"""How the columns of a profile follow the hours of the week, and what a window of some of these hours is compared with.

Hours are those of UTC; hour 0 begins on Monday at 00:00. A part is some hours in a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.compare import grouped
from rollmodel.evidence.drift.mixture import mixture
from rollmodel.evidence.drift.performance import Calibration
from rollmodel.plan.drift.profile.signal import Key, Signal
from rollmodel.plan.problem import Problem

__all__ = ["Rhythm", "rhythm_of"]

Whole = NDArray[np.int64]

_HOURS, _HOUR = 168, 3600
#: 1970-01-01 was a Thursday.
_FIRST = 72
_DAY = 24
#: Parts times signals times groups.
_MOST_NUMBERS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """``part`` [168] is the part of each hour. Of the F signals that follow the hours (at ``index`` in the layout): the
    group of each bin [F, K], and rows of each part by group ``counts`` [P, F, K].
    """

    part: Whole
    index: Whole
    groups: Whole
    counts: Array

    def compared(
        self, live: Array, reference: Array, rows: Array, ends: Sequence[int], *, step: float, daily: bool
    ) -> tuple[Array, Array]:
        """What a window counted and what it is compared with [S, K], each in groups where a signal follows the hours.

        ``live`` and ``reference`` are by bin [S, K]; ``rows`` [T, S] those of the steps that end at ``ends`` (unix
        seconds). Each part counts as much as the rows of the window that were asked in it. With ``daily`` an hour is
        that of any day.
        """
        if not len(self.index) or not ends:
            return live, reference
        seen = self._shares(ends, step=step, daily=daily).T @ rows[:, self.index]
        own, known, wide = live.copy(), reference.copy(), self.counts.shape[2]
        own[self.index] = grouped(live[self.index], self.groups)
        known[self.index] = 0.0
        known[self.index, :wide] = mixture(self.counts, seen)
        return own, known

    def calibration_of(self, index: int, whole: Calibration, compared: Array) -> Calibration:
        """The calibration of the rows that a window is ``compared`` with [K]: a group of bins is divided as in the
        ``whole`` profile, and the rates are those of it.
        """
        at = np.flatnonzero(self.index == index)
        if not len(at):
            return whole
        group = self.groups[at[0], : len(whole.rows)]
        of_group = np.bincount(group, weights=whole.rows, minlength=len(compared))
        part = (compared / np.maximum(of_group, 1.0))[group]
        return replace(whole, rows=whole.rows * part, positives=whole.positives * part)

    def _shares(self, ends: Sequence[int], *, step: float, daily: bool) -> Array:
        """How much of each step [T, P] belongs to each part, as far as the training had rows there."""
        hours = np.bincount(self.part, minlength=len(self.counts))
        weight = self.counts.sum(axis=2).max(axis=1) / np.maximum(hours, 1)  # of one hour of a part
        begin = np.asarray(ends) - step
        found = np.zeros((len(ends), len(self.counts)))
        for offset in _middles(step):
            hour = ((begin + offset) // _HOUR).astype(np.int64) + _FIRST
            for day in range(_HOURS // _DAY if daily else 1):
                part = self.part[(hour + day * _DAY) % _HOURS]
                found[np.arange(len(ends)), part] += weight[part]
        return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-9))


def _middles(step: float) -> Iterator[float]:
    """The middle of each hour of a step, in seconds after its beginning; of a short step its own middle."""
    if step <= _HOUR:
        yield step / 2.0
        return
    for hour in range(min(_HOURS, round(step / _HOUR))):
        yield hour * _HOUR + _HOUR / 2.0


def rhythm_of(
    signals: Sequence[Signal],
    hours: Mapping[str, float],
    groups: Mapping[Key, float],
    rows: Mapping[tuple[str, str, str], float],
) -> Rhythm | Problem | None:
    """From the series of a profile; None where it has no times. Pods say what they like, so all of it is checked."""
    if not hours:
        return None
    try:
        part = _parts(next(iter(hours)))
        tables = _tables(rows, int(part[-1]) + 1)
        own = [index for index, signal in enumerate(signals) if signal.name in tables]
        wide = max((table.shape[1] for table in tables.values()), default=0)
        if (int(part[-1]) + 1) * len(own) * wide > _MOST_NUMBERS:
            told = f"the profile has more than {_MOST_NUMBERS} counts by hours of the week"
            return Problem("ProfileTooLarge", told)
        return _together(signals, own, part, tables, groups)
    except (ValueError, KeyError, OverflowError):
        return Problem("ProfileInvalid", "the pods show a profile whose counts by hours of the week are none")


def _together(
    signals: Sequence[Signal],
    own: Sequence[int],
    part: Whole,
    tables: Mapping[str, Array],
    groups: Mapping[Key, float],
) -> Rhythm:
    """The signals ``own`` side by side. Raises ValueError and KeyError where groups and counts do not fit."""
    bins = max(len(signal.bins) for signal in signals)
    wide = max((tables[signals[index].name].shape[1] for index in own), default=0)
    if wide > bins:
        raise ValueError("more groups than bins")
    counts, group = np.zeros((int(part[-1]) + 1, len(own), wide)), np.zeros((len(own), bins), dtype=np.int64)
    for row, index in enumerate(own):
        table = tables[signals[index].name]
        found = np.array([groups[key] for key in signals[index].bins])
        if not ((found >= 0) & (found < table.shape[1])).all():
            raise ValueError("a group that is not counted")
        group[row, : len(found)] = found.astype(np.int64)
        counts[:, row, : table.shape[1]] = table
    return Rhythm(part, np.array(own, dtype=np.int64), group, counts)


def _parts(text: str) -> Whole:
    """The part of each hour of the week, from the first hours of the parts."""
    starts = [int(one) for one in text[: 8 * _HOURS].split()]
    if not starts or starts[0] != 0 or sorted(set(starts)) != starts or starts[-1] >= _HOURS:
        raise ValueError("not the hours of a week")
    return np.searchsorted(np.array(starts), np.arange(_HOURS), side="right") - 1


def _tables(rows: Mapping[tuple[str, str, str], float], parts: int) -> Mapping[str, Array]:
    """Of each signal rows by part and group [P, G]."""
    found: dict[str, dict[int, list[list[float]]]] = {}
    for name, first, text in rows:
        found.setdefault(name, {})[int(first)] = [[float(int(one)) for one in row.split()] for row in text.split(";")]
    tables = {name: np.array([row for first in sorted(own) for row in own[first]]) for name, own in found.items()}
    for table in tables.values():
        if table.ndim != 2 or len(table) != parts or not ((table >= 0.0) & (table <= 2.0**53)).all():
            raise ValueError("not one row of counts for each part")
    return tables
