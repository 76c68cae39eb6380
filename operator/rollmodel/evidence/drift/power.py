"""The smallest change that a window can see: a number to publish, since silence means little without it."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

__all__ = ["POWER", "visible_psi"]

#: Chance with which a change of that size is seen.
POWER = 0.8
_NORMAL = NormalDist()


def visible_psi(rows: float, reference_rows: float, freedom: int, alpha: float, dispersion: float = 1.0) -> float:
    """The PSI that is seen with :data:`POWER` at this threshold; infinite where two bins are too many."""
    if freedom < 1 or rows < 1 or reference_rows < 1:
        return math.inf
    return _noncentrality(freedom, float(f"{alpha:.2g}")) * dispersion * (1.0 / rows + 1.0 / reference_rows)


@lru_cache(maxsize=4096)
def _noncentrality(freedom: int, alpha: float) -> float:
    """The non-centrality at which a chi-square is above its critical value with :data:`POWER`; within 3 %.

    Wilson and Hilferty's cube root for the critical value, and Patnaik's two moments for the other distribution.
    """
    spread = 2.0 / (9.0 * freedom)
    critical = freedom * (1.0 - spread + _NORMAL.inv_cdf(1.0 - max(alpha, 1e-15)) * math.sqrt(spread)) ** 3
    low, high = 0.0, 20.0 * critical + 100.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _above(critical, freedom, middle) < POWER else (low, middle)
    return high


def _above(critical: float, freedom: int, noncentrality: float) -> float:
    mean = freedom + noncentrality
    spread = 2.0 / 9.0 * (freedom + 2.0 * noncentrality) / mean**2
    return 1.0 - _NORMAL.cdf(((critical / mean) ** (1.0 / 3.0) - (1.0 - spread)) / math.sqrt(spread))
