"""Judging the mean difference of paired numbers against a limit on both sides.

A pair has a difference x = candidate - stable in parts of the largest that counts, from -1 to 1; its mean lies within
``limit`` (of the same scale), or does not. For values that are never less than -1, such as z = (x - m) / (1 + m), and
any 0 < b < 1

    exp(b z - (-log(1 - b) - b) z^2) <= 1 + b z

(Fan, Grama, Liu, Electronic Journal of Probability 20, 2015, inequality 4.11), so the product of the left side over the
pairs is an e-process wherever no mean exceeds m: an empirical-Bernstein bet, as in Howard et al., Annals of Statistics
49 (2021) and Waudby-Smith and Ramdas, JRSS B 86 (2024). It needs only the count, the sum and the sum of squares of a
window, and adapts to the variance: scores that hardly move need few pairs. There are four of these processes for each
metric: harm above and below share its risk; safety is proven where both sides are, each at the whole risk.

Requests of a window are taken to be independent as far as windows do not show otherwise: log e is divided by phi, the
variance between windows over that of independent requests, learnt from the windows before. With bursts the risks are
therefore measured ones (tests/unit/evidence/paired), no theorem.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.mixture import Mixture, Wealth, bet, log_total, start, ticks_to_level
from rollmodel.evidence.levels import Levels
from rollmodel.evidence.paired.model import DECIDING_WINDOWS, PRIOR_DISPERSION, PRIOR_WINDOWS

__all__ = [
    "Batch",
    "DifferenceConfig",
    "DifferenceState",
    "begin",
    "configure",
    "dispersion",
    "limits_of_mean",
    "log_safe",
    "seconds",
    "update",
]

#: Stakes b, spread evenly in their logarithm: the best one is the distance to the limit over the variance.
STAKES = array([0.9, 0.6, 0.36, 0.2, 0.11, 0.06, 0.03, 0.015])
_PRICES = -np.log1p(-STAKES) - STAKES
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs of a window [m]: how many, the sum of x, and the sum of its squares."""

    pairs: Array
    total: Array
    squares: Array


@dataclass(frozen=True, slots=True)
class DifferenceConfig:
    """Frozen for a rollout, shape [m]."""

    limit: Array
    harm_level: Array
    safe_level: Array
    harm: Mixture
    safe: Mixture


@dataclass(frozen=True, slots=True)
class DifferenceState:
    """Wealth (harm: both sides together), and sums over windows [m]: of a batch, of total^2 / pairs, of windows."""

    harm: Wealth
    above: Wealth
    below: Wealth
    pairs: Array
    total: Array
    squares: Array
    between: Array
    windows: Array


def configure(limit: Array, levels: Levels) -> DifferenceConfig:
    """limit: the mean that may be reached, between 0 and 1 [m]."""
    levels = levels.over(limit.shape).at_least(DECIDING_WINDOWS)
    both, one = (np.full(count, 1.0 / count) for count in (2 * len(STAKES), len(STAKES)))
    return DifferenceConfig(
        limit=limit,
        harm_level=levels.harm,
        safe_level=levels.safe,
        harm=levels.against_harm(both),
        safe=levels.for_safety(one),
    )


def begin(config: DifferenceConfig) -> DifferenceState:
    """Before the first window."""
    zero, safe = np.zeros(config.limit.shape), start(config.safe)
    return DifferenceState(start(config.harm), safe, safe, zero, zero, zero, zero, zero)


def update(config: DifferenceConfig, state: DifferenceState, batch: Batch, seconds: float) -> DifferenceState:
    """After a window; 0 pairs change nothing but the reserve."""
    phi, lasted = dispersion(state)[:, None], np.full(batch.pairs.shape, seconds)
    harm, above, below = (log_e / phi for log_e in _log_bets(config.limit, batch))
    there = batch.pairs > 0
    return DifferenceState(
        harm=bet(config.harm, state.harm, harm, lasted),
        above=bet(config.safe, state.above, above, lasted),
        below=bet(config.safe, state.below, below, lasted),
        pairs=state.pairs + batch.pairs,
        total=state.total + batch.total,
        squares=state.squares + batch.squares,
        between=state.between + np.where(there, batch.total**2 / np.where(there, batch.pairs, 1.0), 0.0),
        windows=state.windows + there,
    )


def log_safe(state: DifferenceState) -> Array:
    """Log of the evidence that the mean lies within the limit: on both sides, so the weaker of the two."""
    return np.minimum(log_total(state.above), log_total(state.below))


def dispersion(state: DifferenceState) -> Array:
    """Phi, at least 1: the variance between windows over that within, shrunk to the belief while there are few."""
    pairs = np.maximum(state.pairs, 1.0)
    spread = np.maximum(state.squares - state.total**2 / pairs, 0.0)
    known = (state.windows > 1) & (spread > 0)
    excess = np.maximum(state.between - state.total**2 / pairs, 0.0) / np.maximum(state.windows - 1.0, 1.0)
    ratio = np.where(known, excess * pairs / np.where(known, spread, 1.0), 0.0)
    worth = np.where(known, state.windows - 1.0, 0.0)
    return np.maximum(1.0, (PRIOR_WINDOWS * PRIOR_DISPERSION + worth * ratio) / (PRIOR_WINDOWS + worth))


def seconds(config: DifferenceConfig, state: DifferenceState, interval: float) -> tuple[Array, Array]:
    """Expected seconds to a proof of harm and of safety if it goes on as so far; inf for never, or not known."""
    seen, windows = state.windows > 0, np.maximum(state.windows, 1.0)
    typical = Batch(state.pairs / windows, state.total / windows, state.squares / windows)
    phi = dispersion(state)[:, None]
    harm, above, below = (log_e / phi for log_e in _log_bets(config.limit, typical))
    to_harm = ticks_to_level(state.harm, np.minimum(harm, config.harm.cap), config.harm_level)
    sides = (
        ticks_to_level(wealth, np.minimum(log_e, config.safe.cap), config.safe_level)
        for wealth, log_e in ((state.above, above), (state.below, below))
    )
    to_safe = np.maximum(*sides)
    return np.where(seen, to_harm, np.inf) * interval, np.where(seen, to_safe, np.inf) * interval


def limits_of_mean(pairs: float, total: float, squares: float, phi: float, alpha: float = 0.05) -> tuple[float, float]:
    """Limits of the mean which hold at all times together with 1 - alpha, by the same bets.

    They decide nothing but ``onUndecided: Promote``.
    """
    if pairs <= 0:
        return -1.0, 1.0
    return -_upper(pairs, -total, squares, phi, alpha / 2), _upper(pairs, total, squares, phi, alpha / 2)


def _upper(pairs: float, total: float, squares: float, phi: float, risk: float) -> float:
    """The largest mean that is not excluded, by bisection."""

    def excluded(mean: float) -> bool:
        log_e = _log_below(array([mean]), Batch(array([pairs]), array([total]), array([squares])))[0] / phi
        top = float(log_e.max())
        return top + math.log(float(np.exp(log_e - top).mean())) >= -math.log(risk)

    seen, most = min(total / pairs, 1.0 - 1e-9), 1.0 - 1e-9
    if not excluded(most):
        return 1.0
    for _ in range(_BISECTIONS):
        middle = (seen + most) / 2
        seen, most = (seen, middle) if excluded(middle) else (middle, most)
    return most


def _log_bets(limit: Array, batch: Batch) -> tuple[Array, Array, Array]:
    """Logs over a window: for harm (above, then below) [m, 2 J], and that it is not above, and not below [m, J]."""
    mirrored = Batch(batch.pairs, -batch.total, batch.squares)
    harm = np.concatenate([_log_below(-limit, mirrored), _log_below(-limit, batch)], axis=-1)
    return harm, _log_below(limit, batch), _log_below(limit, mirrored)


def _log_below(mean: Array, batch: Batch) -> Array:
    """Log of bets that the mean is below ``mean`` [m, J]: z = (mean - x) / scale is never less than -1."""
    scale = np.maximum(1.0, 1.0 - mean)[:, None]
    total = (batch.pairs * mean - batch.total)[:, None] / scale
    squares = (batch.squares - 2.0 * mean * batch.total + batch.pairs * mean**2)[:, None] / scale**2
    return np.asarray(STAKES * total - _PRICES * squares)
