"""The stable arm's latency distribution, as far as a histogram tells it.

Between bucket bounds the probit of the survival (share of requests slower than x) is a monotone cubic in log x
(Fritsch and Carlson, SIAM J. Numer. Anal. 17, 1980), beyond them a line: exact for lognormal latencies, and within a
few percent of the odds for gamma ones on Prometheus' default buckets. It shapes alternatives, and it says which part of
a bucket lies above a point that is no bound. Only the last touches what a verdict means; at bounds nothing is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, array

__all__ = ["Curve", "chosen_edges", "curve", "part_above"]

#: Points of the distribution near which edges are chosen.
QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
#: Slope of a histogram with one bound: a lognormal with sigma 0.5.
DEFAULT_SLOPE = -2.0


@dataclass(frozen=True, slots=True)
class Curve:
    """Probit of the survival: log bounds ``x`` (ascending), ``y`` and its ``slopes`` there, all [B]."""

    x: Array
    y: Array
    slopes: Array

    def survival(self, at: ArrayLike) -> Array:
        """Share of requests slower than these times; 1 at 0 and below."""
        at = array(at)
        return np.where(at > 0, _normal_cdf(self._probit(np.log(np.maximum(at, 1e-300)))), 1.0)

    def _probit(self, x: Array) -> Array:
        inside = np.clip(x, self.x[0], self.x[-1])
        outside = np.where(x < self.x[0], self.slopes[0], self.slopes[-1]) * (x - inside)
        if len(self.x) == 1:
            return np.asarray(self.y[0] + outside)
        i = np.clip(np.searchsorted(self.x, inside, side="right") - 1, 0, len(self.x) - 2)
        width = self.x[i + 1] - self.x[i]
        t = (inside - self.x[i]) / width
        ends = self.y[i] + t * t * (3.0 - 2.0 * t) * (self.y[i + 1] - self.y[i])
        bends = t * (1.0 - t) * ((1.0 - t) * self.slopes[i] - t * self.slopes[i + 1])
        return np.asarray(ends + width * bends + outside)


def curve(edges: ArrayLike, counts: ArrayLike) -> Curve:
    """The curve of a histogram: positive bounds [B], counts per bucket [B + 1] with +Inf last."""
    counts = array(counts)
    above = counts.sum() - np.cumsum(counts)[:-1]
    survival = (above + 0.5) / (counts.sum() + 1.0)
    x, y = np.log(array(edges)), array([NormalDist().inv_cdf(share) for share in survival])
    return Curve(x, y, _slopes(x, y))


def _slopes(x: Array, y: Array) -> Array:
    """Slopes at the bounds that keep the curve monotone: weighted harmonic means of the neighbouring secants."""
    if len(x) == 1:
        return array([DEFAULT_SLOPE])
    width, secant = np.diff(x), np.diff(y) / np.diff(x)
    left, right = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    flat = secant[1:] * secant[:-1] <= 0
    before, after = np.where(flat, 1.0, secant[:-1]), np.where(flat, 1.0, secant[1:])
    middle = np.where(flat, 0.0, (left + right) / (left / before + right / after))
    return np.concatenate([secant[:1], middle, secant[-1:]])


def _normal_cdf(probit: Array) -> Array:
    flat = [0.5 * erfc(-p / sqrt(2.0)) for p in probit.ravel().tolist()]
    return array(flat).reshape(probit.shape)


def chosen_edges(edges: Array, stable: Curve) -> Array:
    """Indices of the bounds nearest (in log time) to the quantiles of interest, ascending, each once."""
    wanted = array([NormalDist().inv_cdf(1.0 - share) for share in QUANTILES])
    points = np.interp(-wanted, -stable.y, stable.x)
    return np.unique(np.abs(np.log(edges)[:, None] - points).argmin(axis=0))


def part_above(edges: Array, stable: Curve, points: Array) -> Array:
    """Share of each bucket's requests that are slower than each point, [B + 1, points].

    Exact (0 or 1) where the point is a bound; inside a bucket by the curve. The points are times of the stable arm.
    """
    bounds = np.concatenate([[0.0], edges, [np.inf]])
    at_bounds = np.concatenate([[1.0], stable.survival(edges), [0.0]])
    low, high = at_bounds[1:, None], at_bounds[:-1, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.clip((stable.survival(points) - low) / (high - low), 0.0, 1.0)
    lower, upper = bounds[:-1, None], bounds[1:, None]
    return np.where(points <= lower * (1 + 1e-9), 1.0, np.where(points >= upper * (1 - 1e-9), 0.0, inside))
