"""Shares that should not rise: missing values, and values that the training did not see.

Chernoff's bound: n rows with a true share q show a share of at least p > q with a chance of at most exp(-n KL(p, q)).
It holds for any n and q, also where the training saw none at all.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, array

__all__ = ["log10_p_of_rise", "share_before"]


def share_before(count: ArrayLike, rows: ArrayLike) -> Array:
    """A careful estimate of a share in the reference: one more than was seen."""
    return (array(count) + 1.0) / (array(rows) + 2.0)


def log10_p_of_rise(count: ArrayLike, rows: ArrayLike, before: ArrayLike, dispersion: Array | float = 1.0) -> Array:
    """How unlikely ``count`` of ``rows`` are where the share is ``before``; 0 where it did not rise. Elementwise."""
    n = array(rows)
    share = np.clip(array(count) / np.maximum(n, 1.0), 0.0, 1.0)
    q = np.clip(array(before), 1e-12, 1.0 - 1e-12)
    some = np.where(share > 0.0, share * np.log(np.maximum(share, 1e-300) / q), 0.0)
    none = np.where(share < 1.0, (1.0 - share) * np.log(np.maximum(1.0 - share, 1e-300) / (1.0 - q)), 0.0)
    return np.where(share > q, -n / dispersion * (some + none) / math.log(10.0), 0.0)
