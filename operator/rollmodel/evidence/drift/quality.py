"""Shares that should not rise: missing values, and values that the training did not see.

Chernoff's bound: n rows with a true share q show a share of at least p > q with a chance of at most exp(-n KL(p, q)).
It holds for any n and q, also where the training saw none at all.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, array

__all__ = ["log10_p_above", "log10_p_of_rise", "share_before"]


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


def log10_p_above(
    count: ArrayLike, rows: ArrayLike, other: ArrayLike, other_rows: ArrayLike, dispersion: Array | float = 1.0
) -> Array:
    """How unlikely a share so far above that of other rows is, where both are one share or this one is lower.

    n KL(p, q) of a share p above the true q is no larger than an exponential variable with mean 1, and so is that of
    the other share below it; their sum t has a chance of at most (1 + t) exp(-t). The q that suits both best makes it
    smaller still, so this holds for any number of rows. 0 where it is not above. Elementwise.
    """
    n, m = array(rows), array(other_rows)
    high, low = array(count) / np.maximum(n, 1e-9), array(other) / np.maximum(m, 1e-9)
    both = (array(count) + array(other)) / np.maximum(n + m, 1e-9)
    t = (n * _divergence(high, both) + m * _divergence(low, both)) / dispersion
    return np.where((high > low) & (n > 0.0) & (m > 0.0), (np.log1p(t) - t) / math.log(10.0), 0.0)


def _divergence(share: Array, true: Array) -> Array:
    """Kullback and Leibler's divergence of two shares, in nats."""
    p, q = np.clip(share, 0.0, 1.0), np.clip(true, 1e-300, 1.0)
    some = np.where(p > 0.0, p * np.log(np.maximum(p, 1e-300) / q), 0.0)
    none = np.where(p < 1.0, (1.0 - p) * np.log(np.maximum(1.0 - p, 1e-300) / np.maximum(1.0 - q, 1e-300)), 0.0)
    return array(np.maximum(some + none, 0.0))
