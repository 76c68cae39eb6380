"""Recorded counts on one grid of windows: what ``rollmodel backtest`` plays past rollouts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rollmodel.cli.backtest.rows import Floats, Ints, Rows
from rollmodel.errors import Invalid

__all__ = ["Counts", "History", "fold"]

_ROUNDING = 1e-9
#: Rollouts times windows. Each takes some 50 bytes.
_MOST_CELLS = 20_000_000


@dataclass(frozen=True, slots=True)
class History:
    """Busy windows of one rollout's stable pods before it began, oldest first: totals and bad, [pods, windows]."""

    total: Floats
    bad: Floats


@dataclass(frozen=True, slots=True)
class Counts:
    """Increments per rollout, arm and window. Window j ends j * interval seconds after the rollout began, j = 1 .. T.

    ``total`` and ``bad`` are [2, rollouts, T], arm 0 the candidate; ``dropped`` [rollouts, T] marks windows with an
    impossible number (their counts are 0); ``last`` [rollouts] is each rollout's last window.
    """

    interval: float
    total: Floats
    bad: Floats
    dropped: NDArray[np.bool_]
    last: Ints
    history: Sequence[History]


def fold(rows: Rows, interval: float) -> Counts:
    """Sum the rows into windows of ``interval`` seconds, or of the file's own step where that is coarser."""
    steps = np.diff(np.unique(rows.time))
    interval = max(interval, float(steps.min())) if len(steps) else interval
    window = np.ceil(rows.time / interval - _ROUNDING).astype(np.int64)
    runs, length = len(rows.rollouts), max(1, int(window.max()))
    if runs * length > _MOST_CELLS:
        raise Invalid(
            f"{runs} rollouts of up to {length:,} windows are too many; is time seconds since the rollout began?"
        )
    wrong, live = rows.impossible(), window >= 1
    dropped = np.zeros((runs, length), dtype=bool)
    dropped[rows.rollout[wrong & live], window[wrong & live] - 1] = True
    last = np.zeros(runs, dtype=np.int64)
    np.maximum.at(last, rows.rollout[live], window[live])
    use = live & ~wrong
    place = np.ravel_multi_index((rows.arm[use], rows.rollout[use], window[use] - 1), (2, runs, length))

    def summed(values: Floats) -> Floats:
        flat = np.bincount(place, weights=values[use], minlength=2 * runs * length)
        return np.where(dropped, 0.0, flat.reshape(2, runs, length))

    history = _histories(rows, window, ~live & ~wrong & (rows.arm == 1), runs)
    return Counts(interval, summed(rows.total), summed(rows.bad), dropped, last, history)


def _histories(rows: Rows, window: Ints, use: NDArray[np.bool_], runs: int) -> list[History]:
    order = np.flatnonzero(use)[np.argsort(rows.rollout[use], kind="stable")]
    bounds = np.searchsorted(rows.rollout[order], np.arange(runs + 1))
    return [_history(rows, window, order[bounds[r] : bounds[r + 1]]) for r in range(runs)]


def _history(rows: Rows, window: Ints, at: Ints) -> History:
    if not len(at):
        return History(np.zeros((0, 0)), np.zeros((0, 0)))
    pods, pod = np.unique(rows.pod[at], return_inverse=True)
    shape = (len(pods), 1 - int(window[at].min()))
    place = (pod, window[at] - 1 + shape[1])
    total, bad = (np.zeros(shape) for _ in range(2))
    np.add.at(total, place, rows.total[at])
    np.add.at(bad, place, rows.bad[at])
    busy = total.sum(axis=0) > 0
    return History(total[:, busy], bad[:, busy])
