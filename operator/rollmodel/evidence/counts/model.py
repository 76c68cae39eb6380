"""Judging a count metric: bad requests of all requests, on both arms, tick by tick.

Everything broadcasts over leading batch axes [...]: one rollout in the operator is the batch (), the metrics of a
rollout are [m], a simulation is [runs]. The flow of one tick::

    config = configure(baseline, harm=margin(1.1), safe=margin(1.5), ...)     frozen before the rollout
    state = begin(config, baseline)
    state = update(config, state, tick(na, ka, nb, kb))         once per tick
    log_harm(state) >= config.harm_level                        proof of harm
    log_safe(state) >= config.safe_level                        proof of safety

Two e-processes run side by side. HARM has the null "candidate no worse than the harm line", SAFE the null "candidate
worse than the safe line". What is used of a tick before its numbers are seen (guess of the rate, phi) comes from
earlier ticks only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence import glaring
from rollmodel.evidence.core.arrays import Array, Mask, array, select
from rollmodel.evidence.core.evalue import HIGH, LOW, Tick, log_evalue, odds, pace
from rollmodel.evidence.core.mixture import Wealth, bet, log_total, start
from rollmodel.evidence.counts import cold_start
from rollmodel.evidence.counts.baseline import Baseline
from rollmodel.evidence.counts.config import HARM_WEIGHTS, SAFE_POWERS, CountConfig, configure, tuned_weights
from rollmodel.evidence.noise.dispersion import Contrast, empty, fold, phi

__all__ = [
    "HARM_WEIGHTS",
    "CountConfig",
    "CountState",
    "begin",
    "configure",
    "dispersion",
    "drop_held",
    "log_bets",
    "log_harm",
    "log_safe",
    "tuned_weights",
    "update",
]

#: Range of the odds ratio of an equal candidate to the safe line.
LEAST_KAPPA, MOST_KAPPA = 1e-4, 0.98
#: Discount per tick of the stable counts behind the guess of the rate.
RATE_MEMORY = 0.995


@dataclass(frozen=True, slots=True)
class Held:
    """The ticks of a merge that is not complete yet, summed; each of shape [...]."""

    na: Array
    ka: Array
    nb: Array
    kb: Array
    seconds: Array
    ticks: Array


@dataclass(frozen=True, slots=True)
class CountState:
    """All that is remembered of the ticks, each of shape [...]; its size does not grow.

    ``guess_*`` are discounted stable counts, ``pace_*`` discounted means of requests per tick, ``na ka nb kb`` plain
    totals.
    """

    harm: Wealth
    safe: Wealth
    contrast: Contrast
    guess_bad: Array
    guess_total: Array
    pace_a: Array
    pace_b: Array
    na: Array
    ka: Array
    nb: Array
    kb: Array
    held: Held
    guard: Wealth
    """Of the guard against glaring faults."""


def begin(config: CountConfig, baseline: Baseline) -> CountState:
    """The state before the first tick."""
    zero = np.zeros(baseline.rate.shape)
    return CountState(
        harm=glaring.rest(config.harm, config.teach),
        safe=start(config.safe),
        contrast=empty(zero.shape),
        guess_bad=baseline.rate * baseline.weight,
        guess_total=baseline.weight,
        pace_a=zero,
        pace_b=zero,
        na=zero,
        ka=zero,
        nb=zero,
        kb=zero,
        held=_nothing(zero),
        guard=glaring.begin(config.guard, config.teach),
    )


def _nothing(zero: Array) -> Held:
    return Held(zero, zero, zero, zero, zero, zero)


def update(config: CountConfig, state: CountState, counts: Tick, *, seconds: ArrayLike = 10.0) -> CountState:
    """The state after one tick of this length.

    counts: increments of both arms, see :func:`rollmodel.evidence.core.evalue.tick`; finite, 0 <= k <= n; shapes
    broadcast to the batch. A tick in which an arm has no requests changes no evidence. With ``merge`` > 1 the
    evidence moves at every merge-th tick, by the sums.
    """
    now = Tick(*(np.broadcast_to(x, state.na.shape) for x in counts))
    state, held = _count(state, now), _add(state.held, now, array(seconds))
    due: Mask = np.asarray(held.ticks >= config.merge)
    state = replace(state, held=select(due, _nothing(np.zeros_like(state.na)), held))
    judged: Mask = due & (held.na > 0) & (held.nb > 0)
    if not judged.any():
        return state
    return select(judged, _judge(config, state, held), state)


def _count(state: CountState, now: Tick) -> CountState:
    return replace(
        state,
        na=state.na + now.na,
        ka=state.ka + now.ka,
        nb=state.nb + now.nb,
        kb=state.kb + now.kb,
        pace_a=pace(state.pace_a, now.na),
        pace_b=pace(state.pace_b, now.nb),
    )


def _add(held: Held, now: Tick, seconds: Array) -> Held:
    return Held(
        na=held.na + now.na,
        ka=held.ka + now.ka,
        nb=held.nb + now.nb,
        kb=held.kb + now.kb,
        seconds=held.seconds + seconds,
        ticks=held.ticks + 1.0,
    )


def drop_held(state: CountState) -> CountState:
    """The state without the ticks of an unfinished merge: a window over a change of weight compares nothing."""
    return replace(state, held=_nothing(np.zeros_like(state.na)))


def _judge(config: CountConfig, state: CountState, held: Held) -> CountState:
    """Bet with what was known before, then learn. Ticks that only teach move the guard's wealth and no other."""
    counts = Tick(held.na, held.ka, held.nb, held.kb)
    teaching: Mask = state.contrast.ticks < config.teach
    power = np.where(teaching, 0.0, 1.0 / dispersion(config, state))[..., None]
    seconds = np.where(teaching, 0.0, held.seconds)
    harm, safe = log_bets(config, state, counts)
    bad = RATE_MEMORY * state.guess_bad + counts.kb
    total = RATE_MEMORY * state.guess_total + counts.nb
    return replace(
        state,
        harm=bet(config.harm, state.harm, power * harm, seconds),
        safe=bet(config.safe, state.safe, power * safe, seconds),
        contrast=fold(state.contrast, counts, rate=(state.ka + bad) / (state.na + total)),
        guess_bad=bad,
        guess_total=total,
        guard=cold_start.update(
            config.guard, state.guard, counts, guess=_guess(state), harm=config.harm_line, learning=teaching
        ),
    )


def _guess(state: CountState) -> Array:
    """The stable rate as believed before the next tick."""
    return np.clip(state.guess_bad / state.guess_total, LOW, HIGH)


def log_bets(config: CountConfig, state: CountState, counts: Tick) -> tuple[Array, Array]:
    """Untempered log e of these counts for each harm alternative [..., 7] and each safe one [..., 4]."""
    guess = _guess(state)
    even = np.clip(odds(guess) / odds(config.safe_line.at(guess)), LEAST_KAPPA, MOST_KAPPA)
    harm = log_evalue(counts, guess, config.harm_line, config.kappa)
    safe = log_evalue(counts, guess, config.safe_line, even[..., None] ** SAFE_POWERS)
    return harm, safe


def dispersion(config: CountConfig, state: CountState) -> Array:
    """phi: the over-dispersion by which the next tick's evidence is divided."""
    return phi(state.contrast, config.prior)


def log_harm(state: CountState) -> Array:
    """Log of the e-process against "no worse than the harm line": the test's and the guard's part."""
    return glaring.log_harm(state.harm, state.guard)


def log_safe(state: CountState) -> Array:
    """Log of the e-process against "worse than the safe line"."""
    return log_total(state.safe)
