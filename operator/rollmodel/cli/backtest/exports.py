"""What people export from Prometheus instead of the counts that ``backtest`` wants: understood, or refused in a line.

Times of day become seconds since the rollout began. Counters that were not subtracted, and rows that come twice, would
give other verdicts without a word.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rollmodel.errors import Invalid

__all__ = ["refuse_cumulative", "refuse_repeated", "since_begin"]

#: No rollout takes so many seconds (3 years); a time beyond is a date. Beyond the second one it is in milliseconds.
_DATE, _MILLISECONDS = 1e8, 1e11
#: Rows of a pod from which on always rising increments are no chance any more.
_SEVERAL = 6
#: So few are enough where each pod has counted from 0: its n-th number is about n times its first one.
_FEW, _ABOUT = 3, 0.8

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def since_begin(time: Floats, rollout: Ints, candidate: NDArray[np.bool_], name: str) -> Floats:
    """Unix times as seconds since the candidate's first window began; other times unchanged. Raises Invalid."""
    dates = time > _DATE
    if not dates.any():
        return time
    if not dates.all():
        raise Invalid(f"{name}: some times are seconds since the rollout began, others are dates")
    if time.max() > _MILLISECONDS:
        raise Invalid(f"{name}: time must be in seconds, not in milliseconds")
    if len(np.unique(rollout[candidate])) < rollout.max() + 1:
        raise Invalid(f"{name}: times are dates, and a rollout has no row of the candidate that tells when it began")
    steps = np.diff(np.unique(time[candidate]))
    first = np.full(rollout.max() + 1, np.inf)
    np.minimum.at(first, rollout[candidate], time[candidate])
    step = float(steps.min()) if len(steps) else 0.0
    return time - (first - step)[rollout]


def refuse_repeated(keys: Ints, time: Floats, number: Ints, name: str) -> None:
    """Raises Invalid where two rows say the same: ``keys`` [rows, columns] and the time are unique."""
    order = np.lexsort((number, time, *keys.T))
    same = (np.diff(time[order]) == 0) & (np.diff(keys[order], axis=0) == 0).all(axis=1)
    if same.any():
        at = int(np.flatnonzero(same)[0])
        first, second = number[order][at], number[order][at + 1]
        raise Invalid(f"{name}, row {second}: the same rollout, time, arm and pod as row {first}; give each once")


def refuse_cumulative(keys: Ints, time: Floats, total: Floats, bad: Floats, name: str) -> None:
    """Raises Invalid where the numbers of every pod only ever rise, as counters do and increments do not."""
    order = np.lexsort((time, *keys.T))
    inside = (np.diff(keys[order], axis=0) == 0).all(axis=1)
    rises, errors = np.diff(total[order])[inside], np.diff(bad[order])[inside]
    ends = np.append(np.flatnonzero(~inside), len(order) - 1)
    lengths = np.diff(ends, prepend=-1)
    first, last = total[order][ends - lengths + 1], total[order][ends]
    from_nothing = (lengths >= _FEW).sum() > 1 and (last >= _ABOUT * lengths * first).all()
    if not (rises > 0).all() or not (errors >= 0).all():
        return
    if lengths.max() >= _SEVERAL or from_nothing:
        raise Invalid(
            f"{name}: total and bad only ever rise, as counters do; give the increase over each window instead"
        )
