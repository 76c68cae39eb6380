"""Whether two samples of counts over the same bins are from one distribution, and how far they are apart.

Shapes: S signals, K bins (a signal with fewer has zeros at the end), any leading axes for windows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.drift.tails import log_tail_chi_square, log_tail_f

__all__ = ["CAREFUL_ALPHA", "CAREFUL_EXPECTED", "Comparison", "compare", "grouped", "merge_bins", "statistic"]

Groups = NDArray[np.int64]

#: Below this threshold the tail of the chi-square asks for more rows in each bin: with 10, a millionth is three.
CAREFUL_ALPHA, CAREFUL_EXPECTED = 1e-5, 20.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of shape [..., S]. ``corrected_psi`` is 0 on average where nothing differs."""

    rows: Array
    freedom: Array
    """Bins that were compared, less one; 0 where there are too few rows for two bins."""
    log10_p: Array
    psi: Array
    corrected_psi: Array


def merge_bins(share: Array, rows: Array, least: Array | float) -> Groups:
    """The group of each bin [..., S, K]: neighbours together until ``rows`` of these shares [S, K] expect ``least``.

    It looks at the reference alone, so that the data cannot choose their own test. What is left over at the end joins
    the last group.
    """
    expected = rows[..., None] * share
    least = np.broadcast_to(np.asarray(least, dtype=np.float64), rows.shape)
    rest = np.cumsum(expected[..., ::-1], axis=-1)[..., ::-1]
    group, held = np.zeros(expected.shape, dtype=np.int64), np.zeros(rows.shape)
    current = np.zeros(rows.shape, dtype=np.int64)
    for index in range(expected.shape[-1]):
        close = (held >= least) & (rest[..., index] >= least)
        current, held = current + close, np.where(close, 0.0, held) + expected[..., index]
        group[..., index] = current
    return group


def statistic(reference: Array, live: Array, group: Groups) -> tuple[Array, Array, Array]:
    """Pearson's two-sample chi-square, its degrees of freedom, and the PSI; of the bins in these groups."""
    m, n = grouped(reference, group), grouped(live, group)
    rows_m, rows_n = m.sum(axis=-1, keepdims=True), n.sum(axis=-1, keepdims=True)
    known = (rows_m > 0) & (rows_n > 0)
    ratio = np.sqrt(np.divide(rows_m, rows_n, out=np.ones(known.shape), where=known))
    both = m + n
    chi = np.divide((ratio * n - m / ratio) ** 2, both, out=np.zeros_like(both), where=(both > 0) & known).sum(axis=-1)
    groups = group.max(axis=-1) + 1
    inside = np.arange(group.shape[-1]) < groups[..., None]
    p, q = ((c + 0.5) / (total + 0.5 * groups[..., None]) for c, total in ((n, rows_n), (m, rows_m)))
    psi = np.where(inside & known, (p - q) * np.log(p / q), 0.0).sum(axis=-1)
    return chi, np.where(known[..., 0], groups - 1, 0).astype(np.float64), psi


def compare(
    reference: Array,
    live: Array,
    *,
    dispersion: Array | float = 1.0,
    quiet_windows: float = math.inf,
    least: Array | float = 10.0,
) -> Comparison:
    """Compare ``live`` [..., S, K] with ``reference`` [S, K].

    ``dispersion`` [S] is how much more than chance the counts vary, as learnt from so many ``quiet_windows``: then the
    statistic has an F distribution, else a chi-square one. ``least`` is the number of rows that each bin must expect.
    """
    reference = np.broadcast_to(reference, live.shape)
    rows_m, rows_n = reference.sum(axis=-1), live.sum(axis=-1)
    share = reference / np.maximum(rows_m, 1.0)[..., None]
    group = merge_bins(share, np.minimum(rows_m, rows_n), least)
    chi, freedom, psi = statistic(reference, live, group)
    if math.isinf(quiet_windows):
        log_p = log_tail_chi_square(chi / dispersion, freedom)
    else:
        log_p = log_tail_f(
            chi / dispersion / np.maximum(freedom, 1.0), freedom, quiet_windows * np.maximum(freedom, 1.0)
        )
    chance = dispersion * freedom * (1.0 / np.maximum(rows_n, 1.0) + 1.0 / np.maximum(rows_m, 1.0))
    return Comparison(rows_n, freedom, log_p / math.log(10.0), psi, psi - chance)


def grouped(counts: Array, group: Groups) -> Array:
    """The sum of each group of bins [..., K]; zeros behind the last group. Windows may share their groups."""
    shape = np.broadcast_shapes(counts.shape, group.shape)
    first = np.arange(0, math.prod(shape), shape[-1]).reshape(*shape[:-1], 1)
    summed = np.bincount(
        (first + group).ravel(), weights=np.broadcast_to(counts, shape).ravel(), minlength=math.prod(shape)
    )
    return array(summed).reshape(shape)
