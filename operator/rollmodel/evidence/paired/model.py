"""Judging the share of pairs that differ against a limit. There is no stable arm: a pair holds both answers.

A pair has a value d from 0 (the same answer) to 1; of a request of several rows it is the share of rows that differ. A
bet on the share q beyond the limit m pays off, for each pair,

    (q / m)^d ((1 - q) / (1 - m))^(1 - d)

which is convex in d, so its expectation is at most that of a coin with the mean of d: at most 1 for any law of d on the
other side of m (q > m bets on harm, q < m on safety). Each window may have a share of its own: what counts is that none
of them is beyond the limit. Requests of a window are taken to be independent, as far as windows do not show otherwise:
log e is divided by phi, the variance between windows over that of independent requests, learnt from the windows before.
With bursts the risks are therefore measured ones (tests/unit/evidence/paired), no theorem.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.mixture import Mixture, Wealth, bet, start, ticks_to_level
from rollmodel.evidence.levels import Levels

__all__ = ["PairConfig", "PairState", "begin", "configure", "dispersion", "limits_of_share", "seconds", "update"]

#: Alternatives, in parts of the limit, and their weights.
HARM_TIMES, HARM_WEIGHTS = array([1.25, 1.5, 2.0, 4.0, 10.0]), array([0.15, 0.20, 0.25, 0.25, 0.15])
SAFE_TIMES, SAFE_WEIGHTS = array([0.01, 0.25, 0.5, 0.75]), array([0.35, 0.25, 0.25, 0.15])
#: Fewest windows that decide: so many show whether requests come in bursts. A shadow hurts nobody meanwhile.
DECIDING_WINDOWS = 12
HIGHEST = 1.0 - 1e-3
#: What is believed of phi before there are windows (there is no past to learn from), and how many windows it is worth.
PRIOR_DISPERSION, PRIOR_WINDOWS = 2.0, 10.0
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class PairConfig:
    """Frozen for a rollout, shape [m]; shares of the alternatives [m, J]."""

    limit: Array
    harm_level: Array
    safe_level: Array
    harm: Mixture
    safe: Mixture
    harm_shares: Array
    safe_shares: Array


@dataclass(frozen=True, slots=True)
class PairState:
    """Sums over the windows with pairs, shape [m]: pairs, differing ones, differing^2 / pairs, windows; and wealth."""

    harm: Wealth
    safe: Wealth
    pairs: Array
    differing: Array
    squares: Array
    windows: Array


def configure(limit: Array, levels: Levels) -> PairConfig:
    """limit: the share that may differ, between 0 and 1 [m]."""
    levels = levels.over(limit.shape).at_least(DECIDING_WINDOWS)
    return PairConfig(
        limit=limit,
        harm_level=levels.harm,
        safe_level=levels.safe,
        harm=levels.against_harm(HARM_WEIGHTS),
        safe=levels.for_safety(SAFE_WEIGHTS),
        harm_shares=np.minimum(HARM_TIMES * limit[:, None], (HIGHEST + limit[:, None]) / 2),
        safe_shares=SAFE_TIMES * limit[:, None],
    )


def begin(config: PairConfig) -> PairState:
    """Before the first window."""
    zero = np.zeros(config.limit.shape)
    return PairState(start(config.harm), start(config.safe), zero, zero, zero, zero)


def update(config: PairConfig, state: PairState, pairs: Array, differing: Array, seconds: float) -> PairState:
    """After a window with so many pairs, of which so many differ [m]; 0 pairs change nothing but the reserve."""
    phi, lasted = dispersion(state)[:, None], np.full(pairs.shape, seconds)
    harm, safe = (_log_bets(config, shares, pairs, differing) / phi for shares in _alternatives(config))
    there = pairs > 0
    return PairState(
        harm=bet(config.harm, state.harm, harm, lasted),
        safe=bet(config.safe, state.safe, safe, lasted),
        pairs=state.pairs + pairs,
        differing=state.differing + differing,
        squares=state.squares + np.where(there, differing**2 / np.where(there, pairs, 1.0), 0.0),
        windows=state.windows + there,
    )


def dispersion(state: PairState) -> Array:
    """Phi, at least 1: Pearson's statistic of the windows' counts, shrunk to the belief while few of them differ."""
    known = (state.windows > 1) & (state.differing > 0) & (state.differing < state.pairs)
    pairs = np.where(known, state.pairs, 1.0)
    share = np.where(known, state.differing / pairs, 0.5)
    spread = np.maximum(state.squares - state.differing**2 / pairs, 0.0)
    between = spread / (np.maximum(state.windows - 1.0, 1.0) * share * (1.0 - share))
    events = 2.0 * np.minimum(state.differing, state.pairs - state.differing)
    both = np.where(known, state.windows + events, 1.0)
    worth = np.where(known, state.windows * events / both, 0.0)
    return np.maximum(1.0, (PRIOR_WINDOWS * PRIOR_DISPERSION + worth * between) / (PRIOR_WINDOWS + worth))


def seconds(config: PairConfig, state: PairState, interval: float) -> tuple[Array, Array]:
    """Expected seconds to a proof of harm and of safety if it goes on as so far; inf for never, or not known."""
    seen = state.windows > 0
    pairs = np.where(seen, state.pairs / np.maximum(state.windows, 1.0), 0.0)
    differing = np.where(seen, state.differing / np.maximum(state.windows, 1.0), 0.0)
    phi = dispersion(state)[:, None]
    harm, safe = (_log_bets(config, shares, pairs, differing) / phi for shares in _alternatives(config))
    to_harm = ticks_to_level(state.harm, np.minimum(harm, config.harm.cap), config.harm_level)
    to_safe = ticks_to_level(state.safe, np.minimum(safe, config.safe.cap), config.safe_level)
    return np.where(seen, to_harm, np.inf) * interval, np.where(seen, to_safe, np.inf) * interval


def limits_of_share(pairs: float, differing: float, phi: float, alpha: float = 0.05) -> tuple[float, float]:
    """Limits of the share that differs which hold at all times together with 1 - alpha.

    By the mixture over Jeffreys' prior (Robbins, Annals of Mathematical Statistics 41, 1970); counts are divided by
    phi. It decides nothing but ``onUndecided: Promote``.
    """
    n, k = pairs / phi, differing / phi
    if n <= 0:
        return 0.0, 1.0
    mixed = _log_beta(k + 0.5, n - k + 0.5) - _log_beta(0.5, 0.5)

    def excluded(share: float) -> bool:
        return mixed - k * math.log(share) - (n - k) * math.log1p(-share) >= -math.log(alpha)

    tiny, seen = 1e-12, min(max(k / n, 1e-12), 1.0 - 1e-12)
    low = _edge(excluded, tiny, seen) if excluded(tiny) else 0.0
    high = _edge(excluded, 1.0 - tiny, seen) if excluded(1.0 - tiny) else 1.0
    return low, high


def _alternatives(config: PairConfig) -> tuple[Array, Array]:
    return config.harm_shares, config.safe_shares


def _log_bets(config: PairConfig, shares: Array, pairs: Array, differing: Array) -> Array:
    """Log of the product over the pairs of a window, for each alternative [m, J]."""
    limit = config.limit[:, None]
    same = pairs - differing
    return differing[:, None] * np.log(shares / limit) + same[:, None] * np.log((1.0 - shares) / (1.0 - limit))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _edge(excluded: Callable[[float], bool], outside: float, inside: float) -> float:
    """The border between what is excluded and what is not, by bisection."""
    for _ in range(_BISECTIONS):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if excluded(middle) else (outside, middle)
    return outside
