"""Judging a mean per request: cost, score, tokens per second.

With d = (candidate mean) - (stable mean on the line) of a tick and v its variance, and psi(x) = sign(x) log(1 + |x| +
x^2/2), each factor exp(psi(lambda d) - lambda^2 v / 2) has expectation at most 1 for any law with mean 0 or less and
variance v or less (Catoni's bound; Wang and Ramdas, arXiv 2202.01250). The variance comes from earlier ticks, so the
test is exact only as far as that estimate is; noise between ticks enters it through phi.

The flow is that of ``counts.model``. What both do alike is in ``core.mixture``, ``glaring`` and ``levels``. The bets
stay two, since phi goes into the variance here and divides log e there; and so do the states, which are written to
status field by field.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence import glaring
from rollmodel.evidence.core.arrays import Array, Mask, array, select
from rollmodel.evidence.core.evalue import pace
from rollmodel.evidence.core.mixture import RANGE, Wealth, bet, log_total, start
from rollmodel.evidence.means import cold_start
from rollmodel.evidence.means.config import HARM_GAPS, SAFE_GAPS, MeanConfig, configure
from rollmodel.evidence.means.past import MeanPast
from rollmodel.evidence.noise import deviations
from rollmodel.evidence.noise.deviations import Deviations

__all__ = [
    "MeanConfig",
    "MeanState",
    "MeanTick",
    "begin",
    "configure",
    "dispersion",
    "log_bets",
    "log_harm",
    "log_safe",
    "update",
]

#: Discount per tick of the stable mean that the gaps are parts of.
MEMORY = 0.995
#: A spread below this part of the mean is not believed.
LEAST_SPREAD = 1e-3


class MeanTick(NamedTuple):
    """Count and mean of both arms, and the sum of squared deviations within them (NaN where unknown); shape [...]."""

    na: Array
    mean_a: Array
    nb: Array
    mean_b: Array
    within: Array


@dataclass(frozen=True, slots=True)
class MeanState:
    """All that is remembered, shape [...]. ``spread`` over ``freedom`` is the variance of a single value.

    ``a b`` are Mantel-Haenszel sums of the arms' means, ``weight_a weight_b`` their variances per unit variance.
    """

    harm: Wealth
    safe: Wealth
    spread: Array
    freedom: Array
    mean_sum: Array
    mean_count: Array
    noise: Deviations
    a: Array
    b: Array
    weight_a: Array
    weight_b: Array
    na: Array
    nb: Array
    average_a: Array
    average_b: Array
    pace_a: Array
    pace_b: Array
    guard: Wealth
    """Of the guard against glaring faults."""


def begin(config: MeanConfig, past: MeanPast) -> MeanState:
    """The state before the first tick."""
    zero = np.zeros(past.mean.shape)
    return MeanState(
        harm=glaring.rest(config.harm, config.teach),
        safe=start(config.safe),
        spread=past.variance * past.weight,
        freedom=past.weight,
        mean_sum=past.mean * past.weight,
        mean_count=past.weight,
        noise=deviations.empty(zero.shape),
        a=zero,
        b=zero,
        weight_a=zero,
        weight_b=zero,
        na=zero,
        nb=zero,
        average_a=zero,
        average_b=zero,
        pace_a=zero,
        pace_b=zero,
        guard=glaring.begin(config.guard, config.teach),
    )


def update(config: MeanConfig, state: MeanState, now: MeanTick, *, seconds: ArrayLike = 10.0) -> MeanState:
    """The state after one tick. A tick in which an arm has no requests changes nothing."""
    judged: Mask = np.asarray((now.na > 0) & (now.nb > 0))
    if not judged.any():
        return state
    now = MeanTick(*(np.where(judged, x, 1.0) for x in now))
    return select(judged, _learn(config, _bet(config, state, now, array(seconds)), now), state)


def _bet(config: MeanConfig, state: MeanState, now: MeanTick, seconds: Array) -> MeanState:
    """Bet with what was known before. Ticks that only teach move the guard's wealth and no other."""
    teaching: Mask = np.asarray(state.noise.ticks < config.teach)
    moved, power = np.where(teaching, 0.0, seconds), np.where(teaching, 0.0, 1.0)[..., None]
    harm, safe = log_bets(config, state, now)
    return replace(
        state,
        harm=bet(config.harm, state.harm, power * harm, moved),
        safe=bet(config.safe, state.safe, power * safe, moved),
        guard=bet(config.guard, state.guard, _guard_bets(config, state, now, teaching), np.zeros_like(moved)),
    )


def _guard_bets(config: MeanConfig, state: MeanState, now: MeanTick, teaching: Mask) -> Array:
    """Log e of each glaring alternative [..., 4]; 0 where the guard rests."""
    betting = teaching & cold_start.ready(state.freedom)
    ratio = cold_start.line(config.harm_ratio, config.sign)
    worse = config.sign * (now.mean_a - ratio * now.mean_b - config.harm_absolute)
    gain = _catoni(cold_start.GAPS, ratio, worse, _variance(state, now, ratio), state)
    return np.where(betting[..., None] & (state.guard.log > RANGE[0]), gain, 0.0)


def log_bets(config: MeanConfig, state: MeanState, now: MeanTick) -> tuple[Array, Array]:
    """Log e of this tick for each harm alternative [..., 5] and each safe one [..., 4]."""
    worse = config.sign * (now.mean_a - config.harm_ratio * now.mean_b - config.harm_absolute)
    better = config.sign * (config.safe_ratio * now.mean_b + config.safe_absolute - now.mean_a)
    phi = dispersion(config, state)
    harm = _catoni(HARM_GAPS, config.harm_ratio, worse, phi * _variance(state, now, config.harm_ratio), state)
    safe = _catoni(SAFE_GAPS, config.safe_ratio, better, phi * _variance(state, now, config.safe_ratio), state)
    return harm, safe


def _catoni(gaps: Array, ratio: Array, difference: Array, variance: Array, state: MeanState) -> Array:
    stable = np.abs(state.mean_sum / np.maximum(state.mean_count, 1e-9))
    v = variance[..., None]
    stake = np.minimum(gaps * (stable * ratio)[..., None] / v, 1.0 / np.sqrt(v))
    x = stake * difference[..., None]
    return np.asarray(np.sign(x) * np.log1p(np.abs(x) + 0.5 * x * x) - 0.5 * stake * stake * v)


def _variance(state: MeanState, now: MeanTick, ratio: Array) -> Array:
    """Variance of (candidate mean) - ratio * (stable mean) for independent requests."""
    single = state.spread / np.maximum(state.freedom, 1.0)
    least = (LEAST_SPREAD * state.mean_sum / np.maximum(state.mean_count, 1e-9)) ** 2
    return np.maximum(np.maximum(single, least), 1e-300) * (1.0 / now.na + ratio**2 / now.nb)


def _learn(config: MeanConfig, state: MeanState, now: MeanTick) -> MeanState:
    worse = config.sign * (now.mean_a - config.harm_ratio * now.mean_b - config.harm_absolute)
    z = worse / np.sqrt(_variance(state, now, config.harm_ratio))
    na, nb = state.na + now.na, state.nb + now.nb
    average_a = state.average_a + (now.mean_a - state.average_a) * now.na / na
    average_b = state.average_b + (now.mean_b - state.average_b) * now.nb / nb
    between = now.na * (now.mean_a - state.average_a) * (now.mean_a - average_a)
    between = between + now.nb * (now.mean_b - state.average_b) * (now.mean_b - average_b)
    known = np.isfinite(now.within)
    between_freedom = np.where(state.na > 0, 2.0, 0.0)
    total = now.na + now.nb
    both = now.na * now.nb / total
    return replace(
        state,
        spread=state.spread + np.where(known, now.within, between),
        freedom=state.freedom + np.where(known, np.maximum(total - 2.0, 0.0), between_freedom),
        mean_sum=MEMORY * state.mean_sum + now.nb * now.mean_b,
        mean_count=MEMORY * state.mean_count + now.nb,
        noise=deviations.fold(state.noise, np.where(state.freedom > 0, z, 0.0)),
        a=state.a + both * now.mean_a,
        b=state.b + both * now.mean_b,
        weight_a=state.weight_a + both**2 / now.na,
        weight_b=state.weight_b + both**2 / now.nb,
        na=na,
        nb=nb,
        average_a=average_a,
        average_b=average_b,
        pace_a=pace(state.pace_a, now.na),
        pace_b=pace(state.pace_b, now.nb),
    )


def dispersion(config: MeanConfig, state: MeanState) -> Array:
    """Phi of the next tick."""
    return deviations.phi(state.noise, config.prior)


def log_harm(state: MeanState) -> Array:
    """Log of the e-process against "no worse than the harm line": the test's and the guard's part."""
    return glaring.log_harm(state.harm, state.guard)


def log_safe(state: MeanState) -> Array:
    """Log of the e-process against "worse than the safe line"."""
    return log_total(state.safe)
