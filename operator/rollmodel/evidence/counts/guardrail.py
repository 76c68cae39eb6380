"""An absolute limit of the bad fraction, whatever the stable arm does; and judging without a stable arm.

For one arm and the null "rate <= g" the likelihood ratio against a rate q > g is an e-value. The same runs on the
stable arm: a ceiling that both arms break is an incident that they share, and rolling back would not help. Mirrored
(q < g) it proves that a first deployment, which has nothing to be compared with, stays below its ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, Mask, array
from rollmodel.evidence.core.evalue import HIGH, LOW, Tick, log_evalue_of_one_arm
from rollmodel.evidence.core.mixture import Mixture, Wealth, bet, log_total, start
from rollmodel.evidence.levels import Levels

__all__ = ["GuardrailConfig", "GuardrailState", "begin", "below", "breached", "configure", "shared", "update"]

ABOVE = array([1.3, 1.7, 2.5, 5.0, 12.0])
BELOW = array([0.8, 0.5, 0.25, 0.1])
#: Evidence of a guardrail is at least halved, so that a burst does not break it.
LEAST_PHI = 2.0


@dataclass(frozen=True, slots=True)
class GuardrailConfig:
    """Frozen for a rollout, shape [...]. ``limit`` is the `ceiling` of the metric; levels are logs."""

    limit: Array
    above: Mixture
    below: Mixture
    above_level: Array
    below_level: Array


@dataclass(frozen=True, slots=True)
class GuardrailState:
    """E-processes against "at or below the ceiling" of each arm, and against "at or above it" of the candidate."""

    candidate: Wealth
    stable: Wealth
    below: Wealth


def configure(limit: ArrayLike, levels: Levels) -> GuardrailConfig:
    """Freeze ceilings of shape [...]; above one is harm, below it is safe."""
    limit = np.clip(array(limit), LOW, HIGH)
    levels = levels.over(limit.shape)
    above, below = (np.full(len(grid), 1.0 / len(grid)) for grid in (ABOVE, BELOW))
    return GuardrailConfig(
        limit=limit,
        above=levels.against_harm(above),
        below=levels.for_safety(below),
        above_level=levels.harm,
        below_level=levels.safe,
    )


def begin(config: GuardrailConfig) -> GuardrailState:
    """The state before the first tick."""
    return GuardrailState(start(config.above), start(config.above), start(config.below))


def update(
    config: GuardrailConfig, state: GuardrailState, counts: Tick, phi: Array, seconds: ArrayLike
) -> GuardrailState:
    """The state after one tick; an arm without requests adds nothing."""
    power = 1.0 / np.maximum(phi, LEAST_PHI)[..., None]
    seconds = array(seconds)
    log_a = power * log_evalue_of_one_arm(counts.na, counts.ka, config.limit, ABOVE)
    log_b = power * log_evalue_of_one_arm(counts.nb, counts.kb, config.limit, ABOVE)
    log_below = power * log_evalue_of_one_arm(counts.na, counts.ka, config.limit, BELOW)
    stable = bet(config.above, state.stable, log_b, seconds)
    candidate = bet(config.above, state.candidate, log_a, seconds)
    return GuardrailState(
        candidate=_forgive(candidate, _suspicious(config, stable)),
        stable=stable,
        below=bet(config.below, state.below, log_below, seconds),
    )


def _suspicious(config: GuardrailConfig, stable: Wealth) -> Mask:
    """Half of the way to a proof against the stable arm: from then on the candidate alone is not to blame."""
    return np.asarray(log_total(stable) >= 0.5 * config.above_level)


def _forgive(wealth: Wealth, when: Mask) -> Wealth:
    """Evidence gathered during a shared incident is given back, so that its end does not look like a lone breach."""
    excess = np.where(when, np.maximum(log_total(wealth), 0.0), 0.0)
    return Wealth(wealth.log - excess[..., None], wealth.reserve * np.exp(-excess))


def breached(config: GuardrailConfig, state: GuardrailState) -> Mask:
    """The candidate is proven above the ceiling, and nothing speaks against the stable arm."""
    return np.asarray(log_total(state.candidate) >= config.above_level)


def shared(config: GuardrailConfig, state: GuardrailState) -> Mask:
    """The stable arm itself is proven above the ceiling."""
    return np.asarray(log_total(state.stable) >= config.above_level)


def below(config: GuardrailConfig, state: GuardrailState) -> Mask:
    """The candidate is proven below the ceiling."""
    return np.asarray(log_total(state.below) >= config.below_level)
