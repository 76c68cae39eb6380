"""The e-value of one tick for two arms of counts: a bet on one alternative that costs nothing on the null.

An e-value is a non-negative statistic whose expectation is at most 1 under the null. Each request of a tick pays off a
factor that depends on its arm and outcome; the two stakes are tied so that the traffic-weighted mean of the arms'
expected factors is exactly 1 on the margin line

    candidate rate = ratio * stable rate + absolute

whatever the stable rate is. The geometric mean is below the arithmetic one, so the product over the tick has
expectation at most 1 on the line, and on its far side. Requests need not share one probability. Nothing here is
asymptotic, and a wrong guess of the stable rate costs power, never validity.

Source: the two-sample e-variable of Turner, Ly, Gruenwald (arXiv 2106.02693), extended to a margin line; with rates
going to 0 and no absolute margin it becomes the conditional binomial likelihood ratio (arXiv 2011.03567).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, array

__all__ = [
    "Margin",
    "Pair",
    "Tick",
    "from_odds",
    "growth",
    "kl",
    "log_evalue",
    "log_evalue_of_one_arm",
    "margin",
    "odds",
    "pace",
    "tick",
]

LOW, HIGH = 1e-9, 1.0 - 1e-6
#: Largest part of the wealth that a request may lose: keeps every factor positive.
STAKE = 0.98
PACE_MEMORY = 0.9


class Tick(NamedTuple):
    """Increments of one window, shape [...]: requests and bad ones of the candidate (a) and the stable arm (b)."""

    na: Array
    ka: Array
    nb: Array
    kb: Array


class Margin(NamedTuple):
    """A margin line: candidate rate = ratio * stable rate + absolute. Shape [...] or scalar, ``absolute`` >= 0."""

    ratio: Array
    absolute: Array

    def at(self, rate: Array) -> Array:
        """The candidate's rate on the line over this stable rate, inside (0, 1)."""
        return np.clip(self.ratio * rate + self.absolute, LOW, HIGH)

    def column(self) -> Margin:
        """With a last axis of length 1, to meet alternatives."""
        return Margin(self.ratio[..., None], self.absolute[..., None])


class Pair(NamedTuple):
    """One number for each arm: the candidate (a) and the stable one (b)."""

    a: Array
    b: Array


class _Bet(NamedTuple):
    """One alternative's stakes: null point of both arms and stake per unit of (outcome - null rate)."""

    null_a: Array
    null_b: Array
    stake_a: Array
    stake_b: Array


def tick(na: ArrayLike, ka: ArrayLike, nb: ArrayLike, kb: ArrayLike) -> Tick:
    """A :class:`Tick` of float arrays."""
    return Tick(array(na), array(ka), array(nb), array(kb))


def margin(ratio: ArrayLike, absolute: ArrayLike = 0.0) -> Margin:
    """A :class:`Margin` of float arrays."""
    return Margin(array(ratio), array(absolute))


def odds(rate: Array) -> Array:
    """The odds of a probability."""
    return rate / (1.0 - rate)


def from_odds(ratio: Array) -> Array:
    """The probability with these odds."""
    return ratio / (1.0 + ratio)


def log_evalue(counts: Tick, guess: Array, line: Margin, kappa: Array) -> Array:
    """Logarithm of the e-value of one tick for each alternative.

    counts: shape [...]; guess: the stable rate as believed before the tick, [...]; kappa: odds ratios of the
    alternatives to the line, [..., J]. Above 1 they test "candidate at or below the line", below 1 "at or above".
    Returns [..., J]; 0 where an arm has no requests.
    """
    busy = (counts.na > 0) & (counts.nb > 0)
    na, ka, nb, kb = (
        np.where(busy, value, empty)[..., None] for value, empty in zip(counts, (1, 0, 1, 0), strict=True)
    )
    bet = _bet(na, nb, guess[..., None], line.column(), kappa)
    bad = ka * np.log1p((1.0 - bet.null_a) * bet.stake_a) + kb * np.log1p((1.0 - bet.null_b) * bet.stake_b)
    good = (na - ka) * np.log1p(-bet.null_a * bet.stake_a) + (nb - kb) * np.log1p(-bet.null_b * bet.stake_b)
    return np.where(busy[..., None], bad + good, 0.0)


def _bet(na: Array, nb: Array, guess: Array, line: Margin, kappa: Array) -> _Bet:
    alternative = from_odds(kappa * odds(line.at(guess)))
    null_b = _null_point(na, nb, guess, line, alternative)
    null_a = line.ratio * null_b + line.absolute
    tie = line.ratio * na / nb
    # The sign of a stake says which side of the line is the null: never to be lost to the clipping of rates.
    low = np.where(kappa < 1, -STAKE * np.minimum(1.0 / (1.0 - null_a), 1.0 / (tie * null_b)), 0.0)
    high = np.where(kappa > 1, STAKE * np.minimum(1.0 / null_a, 1.0 / (tie * (1.0 - null_b))), 0.0)
    stake = np.clip((alternative - null_a) / (null_a * (1.0 - null_a)), low, high)
    return _Bet(null_a, null_b, stake, -tie * stake)


def _null_point(na: Array, nb: Array, guess: Array, line: Margin, alternative: Array) -> Array:
    """The stable rate at which the line comes nearest to (guess, alternative): the root of a quadratic."""
    ratio, absolute = line
    weight = ratio * na + nb
    a = ratio * weight
    b = weight * absolute - na * ratio * alternative - ratio * nb * guess
    c = -nb * guess * absolute
    root = np.sqrt(b * b - 4.0 * a * c)
    with np.errstate(divide="ignore", invalid="ignore"):
        point = np.where(b > 0, -2.0 * c / (b + root), (root - b) / (2.0 * a))
    return np.clip(point, LOW, np.minimum(HIGH, (HIGH - absolute) / ratio))


def log_evalue_of_one_arm(n: Array, k: Array, limit: Array, kappa: Array) -> Array:
    """Log likelihood ratio of k bad in n requests [...] against "rate at most the limit" (kappa > 1) or "at least".

    kappa: odds ratios of the alternatives to the limit, [J]. Returns [..., J].
    """
    limit = limit[..., None]
    q = from_odds(kappa * odds(limit))
    bad, good = np.log(q / limit), np.log((1.0 - q) / (1.0 - limit))
    return k[..., None] * bad + (n - k)[..., None] * good


def kl(p: Array, q: Array) -> Array:
    """Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), 0 < q < 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        bad = np.where(p > 0, p * np.log(p / q), 0.0)
        good = np.where(p < 1, (1.0 - p) * np.log((1.0 - p) / (1.0 - q)), 0.0)
    return bad + good


def growth(requests: Pair, rates: Pair, line: Margin) -> Array:
    """Largest expected log e per tick that any test of the line can have when both true rates are known.

    The minimum over stable rates t of na KL(rate_a || line(t)) + nb KL(rate_b || t), found by bisection of the
    derivative (the sum is convex in t). All arguments broadcast.
    """
    (na, nb), (rate_a, rate_b) = requests, rates
    ratio, absolute = line
    low = np.full(np.broadcast_shapes(*(np.shape(x) for x in (*requests, *rates, *line))), LOW)
    high = np.broadcast_to(np.minimum(HIGH, (HIGH - absolute) / ratio), low.shape)
    for _ in range(60):
        t = 0.5 * (low + high)
        c = ratio * t + absolute
        slope = na * ratio * (c - rate_a) / (c * (1.0 - c)) + nb * (t - rate_b) / (t * (1.0 - t))
        low, high = np.where(slope < 0, t, low), np.where(slope < 0, high, t)
    t = 0.5 * (low + high)
    return na * kl(rate_a, ratio * t + absolute) + nb * kl(rate_b, t)


def pace(so_far: Array, requests: Array) -> Array:
    """Discounted mean of requests per tick: what the next ticks will bring, about."""
    return np.where(so_far > 0, PACE_MEMORY * so_far + (1.0 - PACE_MEMORY) * requests, requests)
