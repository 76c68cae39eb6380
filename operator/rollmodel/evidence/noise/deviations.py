"""Noise between ticks of a standardised difference: its variance and autocovariance about its own mean.

For latency scores and for means, where a tick's difference z comes in units of its standard error. D is the variance
of z, C its lag-1 autocovariance; both are 1 and 0 for independent requests. See ``dispersion``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.noise.dispersion import Estimate, Prior, temper

__all__ = ["Deviations", "accumulate", "empty", "estimate", "fold", "phi"]


@dataclass(frozen=True, slots=True)
class Deviations:
    """Running sums of z, its square and its product with the one before, the last z, and the ticks; one shape."""

    total: Array
    squared: Array
    lagged: Array
    last: Array
    ticks: Array


def empty(shape: tuple[int, ...]) -> Deviations:
    """The sums before the first tick."""
    zero = np.zeros(shape)
    return Deviations(zero, zero, zero, zero, zero)


def fold(sums: Deviations, z: Array) -> Deviations:
    """The sums with one more tick."""
    return Deviations(
        total=sums.total + z,
        squared=sums.squared + z * z,
        lagged=sums.lagged + z * sums.last,
        last=z,
        ticks=sums.ticks + 1.0,
    )


def accumulate(z: Array) -> Deviations:
    """The sums of a whole history, time on the first axis."""
    count = np.full(z.shape[1:], float(z.shape[0]))
    return Deviations(z.sum(0), (z * z).sum(0), (z[1:] * z[:-1]).sum(0), z[-1], count)


def estimate(sums: Deviations) -> Estimate:
    """D and C of the ticks so far."""
    count = np.maximum(sums.ticks, 1.0)
    mean = sums.total / count
    spread = sums.squared / count - mean**2
    dispersion = np.where(sums.ticks > 1, spread * count / np.maximum(count - 1.0, 1.0), 1.0)
    lag = np.where(sums.ticks > 1, sums.lagged / count - mean**2 + spread / count, 0.0)
    return Estimate(dispersion, lag, sums.ticks)


def phi(sums: Deviations, prior: Prior) -> Array:
    """The over-dispersion of the next tick: estimate shrunk to the prior, at least 1."""
    return temper(estimate(sums), prior)
