"""Judging latency over the buckets of a histogram: one e-process over all of them.

Bins are the buckets between a few chosen edges. An alternative says by which factor t_b each bin's share differs on the
candidate. With f the candidate's share of the tick's requests

    log e = sum_b ka_b log(t_b / (f t_b + 1 - f)) + kb_b log(1 / (f t_b + 1 - f))

is the k-sample e-variable of arXiv 2106.02693: valid for any t, and as t does not decrease from bin to bin, also for
every candidate that is stochastically faster. Alternatives are shifts in time and heavier tails. A margin in time
(candidate = ratio * stable + absolute seconds) moves the stable arm's edges: the part of a bucket beyond a moved edge
comes from the stable curve.

SAFE compares, at each gating edge, what is slower than the edge on the candidate with what is slower than the edge
moved by the safe margin on the stable arm; every edge must be proven.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, Mask, array, select
from rollmodel.evidence.core.evalue import Pair, Tick, log_evalue, pace
from rollmodel.evidence.core.mixture import Wealth, bet, log_total, start
from rollmodel.evidence.latency.bins import EVEN, SAFE_KAPPA, LatencyConfig
from rollmodel.evidence.noise import deviations
from rollmodel.evidence.noise.deviations import Deviations
from rollmodel.evidence.noise.latency_noise import scores

__all__ = [
    "LatencyState",
    "begin",
    "dispersions",
    "drop_held",
    "log_harm",
    "log_harm_bets",
    "log_safe",
    "log_safe_bets",
    "tempered",
    "update",
]

#: Which of the two dispersions each alternative is tempered by: shifts by the first, tails by the second.
TEMPERED_BY = [0, 0, 0, 0, 1, 1]
RATE_MEMORY, GUESS_WEIGHT = 0.995, 1000.0


@dataclass(frozen=True, slots=True)
class Sums:
    """What is kept of ticks: bins of both arms [..., K], the stable arm above moved gates [..., G], time [...]."""

    bins_a: Array
    bins_b: Array
    above_b: Array
    seconds: Array
    ticks: Array


@dataclass(frozen=True, slots=True)
class LatencyState:
    """State of a latency metric; ``noise`` [..., 2] is of the two scores.

    ``total_*`` [..., K] count requests in bins (not moved by the margin), ``curve_*`` weigh them as a Mantel-Haenszel
    ratio does, so that a change of weights does not show as a change of latency. ``pace_*`` is the present traffic.
    """

    harm: Wealth
    safe: Wealth
    proven: Array
    guess_above: Array
    guess_total: Array
    noise: Deviations
    total_a: Array
    total_b: Array
    curve_a: Array
    curve_b: Array
    pace_a: Array
    pace_b: Array
    held: Sums


def begin(config: LatencyConfig, shape: tuple[int, ...] = ()) -> LatencyState:
    """The state before the first tick, for a batch of this shape."""
    bins, gates = (np.zeros((*shape, n)) for n in (len(config.shares), len(config.gates)))
    zero = np.zeros(shape)

    def spread(wealth: Wealth) -> Wealth:
        log, reserve = (np.broadcast_to(x, (*shape, *x.shape)) for x in (wealth.log, wealth.reserve))
        return Wealth(log, reserve)

    return LatencyState(
        harm=spread(start(config.harm)),
        safe=spread(start(config.safe)),
        proven=gates,
        guess_above=gates + config.guess * GUESS_WEIGHT,
        guess_total=zero + GUESS_WEIGHT,
        noise=deviations.empty((*shape, 2)),
        total_a=bins,
        total_b=bins,
        curve_a=bins,
        curve_b=bins,
        pace_a=zero,
        pace_b=zero,
        held=Sums(bins, bins, gates, zero, zero),
    )


def update(config: LatencyConfig, state: LatencyState, counts: Pair, *, seconds: ArrayLike = 10.0) -> LatencyState:
    """The state after one tick: requests per bucket of both arms, [..., B + 1] with +Inf last.

    A tick in which an arm has no requests changes no evidence.
    """
    state, held = _count(config, state, counts), _add(config, state.held, counts, array(seconds))
    due: Mask = np.asarray(held.ticks >= config.merge)
    state = replace(state, held=select(due, _nothing(held), held))
    judged: Mask = due & (held.bins_a.sum(-1) > 0) & (held.bins_b.sum(-1) > 0)
    return select(judged, _judge(config, state, held), state) if judged.any() else state


def _count(config: LatencyConfig, state: LatencyState, counts: Pair) -> LatencyState:
    a, b = counts.a @ config.bins_a, counts.b @ config.bins_a
    na, nb = a.sum(-1, keepdims=True), b.sum(-1, keepdims=True)
    total = np.maximum(na + nb, 1.0)
    return replace(
        state,
        total_a=state.total_a + a,
        total_b=state.total_b + b,
        curve_a=state.curve_a + a * nb / total,
        curve_b=state.curve_b + b * na / total,
        pace_a=pace(state.pace_a, na[..., 0]),
        pace_b=pace(state.pace_b, nb[..., 0]),
    )


def _add(config: LatencyConfig, held: Sums, counts: Pair, seconds: Array) -> Sums:
    return Sums(
        bins_a=held.bins_a + counts.a @ config.bins_a,
        bins_b=held.bins_b + counts.b @ config.bins_b,
        above_b=held.above_b + counts.b @ config.above_b,
        seconds=held.seconds + seconds,
        ticks=held.ticks + 1.0,
    )


def _nothing(held: Sums) -> Sums:
    zero = np.zeros_like(held.ticks)
    return Sums(np.zeros_like(held.bins_a), np.zeros_like(held.bins_b), np.zeros_like(held.above_b), zero, zero)


def drop_held(state: LatencyState) -> LatencyState:
    """The state without the ticks of an unfinished merge: a window over a change of weight compares nothing."""
    return replace(state, held=_nothing(state.held))


def _judge(config: LatencyConfig, state: LatencyState, held: Sums) -> LatencyState:
    """Bet with what was known before, then learn. Ticks that only teach move no wealth."""
    teaching = state.noise.ticks[..., 0] < config.teach
    phi = dispersions(config, state)
    power = np.where(teaching, 0.0, 1.0)[..., None]
    seconds = np.where(teaching, 0.0, held.seconds)
    harm = bet(config.harm, state.harm, power * tempered(log_harm_bets(config, held), phi), seconds)
    wary = power[..., None] / phi.max(axis=-1)[..., None, None]
    safe = bet(config.safe, state.safe, wary * log_safe_bets(config, state, held), seconds[..., None])
    return replace(
        state,
        harm=harm,
        safe=safe,
        proven=np.maximum(state.proven, np.where(log_total(safe) >= config.safe_level, 1.0, 0.0)),
        guess_above=RATE_MEMORY * state.guess_above + held.above_b,
        guess_total=RATE_MEMORY * state.guess_total + held.bins_b.sum(-1),
        noise=deviations.fold(state.noise, scores(config, held.bins_a, held.bins_b)),
    )


def tempered(log_e: Array, phi: Array) -> Array:
    """Log e [..., 6] over the dispersion [..., 2] of each alternative's kind."""
    return np.asarray(log_e / phi[..., TEMPERED_BY])


def log_harm_bets(config: LatencyConfig, held: Sums) -> Array:
    """Log e of each alternative, [..., 6]; both arms must have requests."""
    na, nb = held.bins_a.sum(-1), held.bins_b.sum(-1)
    share = (na / np.maximum(na + nb, 1.0))[..., None, None]
    log_mixed = np.log(share * config.tilt + 1.0 - share)
    gain = held.bins_a[..., None, :] * (np.log(config.tilt) - log_mixed)
    return np.asarray((gain - held.bins_b[..., None, :] * log_mixed).sum(axis=-1))


def log_safe_bets(config: LatencyConfig, state: LatencyState, held: Sums) -> Array:
    """Log e of each safe alternative at each gate, [..., G, 5]."""
    slow = held.bins_a @ config.above_a
    na, nb = (np.broadcast_to(x.sum(-1)[..., None], slow.shape) for x in (held.bins_a, held.bins_b))
    guess = state.guess_above / state.guess_total[..., None]
    return log_evalue(Tick(na, slow, nb, held.above_b), guess, EVEN, SAFE_KAPPA)


def dispersions(config: LatencyConfig, state: LatencyState) -> Array:
    """Phi of the next tick for shifts and for tails, [..., 2]."""
    return deviations.phi(state.noise, config.prior)


def log_harm(state: LatencyState) -> Array:
    """Log of the e-process against "not slower than the harm line"."""
    return log_total(state.harm)


def log_safe(state: LatencyState) -> Array:
    """Log of the least advanced gate's e-process against "slower than the safe line"."""
    return np.asarray(log_total(state.safe).min(axis=-1))
