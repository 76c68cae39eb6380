"""What people see of a latency metric: the factor in time, and the time that a decision still needs."""

from __future__ import annotations

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.core.mixture import ticks_to_level
from rollmodel.evidence.latency.bins import LatencyConfig
from rollmodel.evidence.latency.curve import curve
from rollmodel.evidence.latency.model import LatencyState, Sums, dispersions, log_harm_bets, log_safe_bets, tempered

__all__ = ["seconds_to_harm", "seconds_to_safe", "slow", "time_factor"]

#: Requests per arm from which on a factor is shown.
LEAST_REQUESTS = 50.0
FACTORS = (0.1, 10.0)


def time_factor(config: LatencyConfig, state: LatencyState) -> float | None:
    """By which factor in time the candidate's requests are slower, None before there are enough of them.

    The factor that moves the stable curve so that the shares above all edges together are the candidate's.
    """
    if min(state.total_a.sum(), state.total_b.sum()) < LEAST_REQUESTS or not state.curve_a.sum() > 0:
        return None
    stable = curve(config.edges, state.curve_b)
    seen = 1.0 - np.cumsum(state.curve_a)[:-1] / state.curve_a.sum()
    low, high = FACTORS
    for _ in range(18):
        middle = np.sqrt(low * high)
        if stable.survival(config.edges / middle).sum() < seen.sum():
            low = middle
        else:
            high = middle
    return float(np.sqrt(low * high))


def slow(config: LatencyConfig, state: LatencyState) -> tuple[float, float]:
    """Requests slower than the last gating edge, candidate and stable."""
    above = config.above_a[:, -1]
    return float(state.total_a @ above), float(state.total_b @ above)


def seconds_to_harm(config: LatencyConfig, state: LatencyState, interval: float) -> float:
    """Expected seconds until proof of harm if what was seen so far is the truth; inf where it never comes."""
    total = state.curve_a.sum()
    if not total > 0:
        return float("inf")
    shares = state.curve_a / total
    drift = log_harm_bets(config, _expected(config, state, shares))
    ticks = ticks_to_level(state.harm, tempered(drift, dispersions(config, state)), config.harm_level)
    return float(ticks * config.merge * interval)


def seconds_to_safe(config: LatencyConfig, state: LatencyState, interval: float) -> float:
    """Expected seconds until every gate is proven if there is no difference at all; inf where that never comes."""
    total = state.total_b.sum()
    if not total > 0:
        return float("inf")
    drift = log_safe_bets(config, state, _expected(config, state, state.total_b / total))
    phi = dispersions(config, state).max(axis=-1)
    ticks = ticks_to_level(state.safe, drift / phi, np.broadcast_to(config.safe_level, config.gates.shape))
    return float(np.where(state.proven > 0, 0.0, ticks).max() * config.merge * interval)


def _expected(config: LatencyConfig, state: LatencyState, shares_a: Array) -> Sums:
    """The mean of a (merged) tick at the present pace, with these shares of the candidate's bins."""
    na, nb = state.pace_a * config.merge, state.pace_b * config.merge
    above = nb * state.guess_above / state.guess_total
    return Sums(na * shares_a, nb * config.shares, above, config.merge, config.merge)
