"""Does the candidate get the share of traffic that was asked for? A split that is off is often a biased one.

Two e-processes on blocks of a minute: "share at most 1.1 times the odds asked for" and "at least 1/1.1 times". They are
tempered by the dispersion of the share itself, with a wide prior, because kept connections and sticky users make shares
far from binomial. An alarm holds the rollout and never rolls it back; it ends when the split is right again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import Literal

import numpy as np

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.evalue import from_odds, log_evalue_of_one_arm, odds
from rollmodel.evidence.core.mixture import Wealth, bet, log_total, mixture, start

__all__ = ["SampleRatioState", "alarm", "begin", "update"]

ALPHA = 0.001
#: The odds may be off by this factor.
TOLERANCE = 1.1
KAPPA = array([1.1, 1.3, 1.7, 2.5, 5.0])
LEVEL = array(log(2.0 / ALPHA))
PRIOR = mixture(np.full(5, 0.2), 0.25, LEVEL)
#: Evidence is kept this little above an alarm's level, so that an alarm can end.
EXCESS = 1.0
BLOCK_SECONDS = 60.0
#: Windows left out after a change of weight.
SETTLING = 2.0
#: Dispersion of the share before anything was seen, and the blocks that this is worth.
PRIOR_DISPERSION, PRIOR_BLOCKS = 20.0, 12.0


@dataclass(frozen=True, slots=True)
class SampleRatioState:
    """Two e-processes, the open block, the counts since the weight changed, and the dispersion so far."""

    above: Wealth
    below: Wealth
    block_n: Array
    block_k: Array
    block_seconds: Array
    settling: Array
    since_n: Array
    since_k: Array
    dispersion: Array
    blocks: Array


def begin() -> SampleRatioState:
    """The state before the first window."""
    zero = np.zeros(())
    return SampleRatioState(start(PRIOR), start(PRIOR), zero, zero, zero, zero, zero, zero, zero, zero)


def update(
    state: SampleRatioState, n: float, k: float, *, weight: float, seconds: float, moved: bool
) -> SampleRatioState:
    """The state after a window: n requests of both arms, k of the candidate, and the share asked for (0 .. 1)."""
    zero = np.zeros(())
    if moved:
        return replace(
            state, block_n=zero, block_k=zero, block_seconds=zero, since_n=zero, since_k=zero, settling=array(SETTLING)
        )
    if state.settling > 0:
        return replace(state, settling=state.settling - 1.0)
    state = replace(
        state, block_n=state.block_n + n, block_k=state.block_k + k, block_seconds=state.block_seconds + seconds
    )
    if state.block_seconds < BLOCK_SECONDS or not 0 < weight < 1:
        return state
    return _learn(_judge(state, weight)) if state.block_n > 0 else state


def _judge(state: SampleRatioState, weight: float) -> SampleRatioState:
    phi = (PRIOR_BLOCKS * PRIOR_DISPERSION + state.dispersion) / (PRIOR_BLOCKS + state.blocks)
    power, asked = 1.0 / np.maximum(phi, 1.0), odds(array(weight))
    gain = power * log_evalue_of_one_arm(state.block_n, state.block_k, from_odds(asked * TOLERANCE), KAPPA)
    loss = power * log_evalue_of_one_arm(state.block_n, state.block_k, from_odds(asked / TOLERANCE), 1.0 / KAPPA)
    return replace(
        state,
        above=_limited(bet(PRIOR, state.above, gain, state.block_seconds)),
        below=_limited(bet(PRIOR, state.below, loss, state.block_seconds)),
    )


def _limited(wealth: Wealth) -> Wealth:
    excess = np.maximum(log_total(wealth) - LEVEL - EXCESS, 0.0)
    return Wealth(wealth.log - excess, wealth.reserve * np.exp(-excess))


def _learn(state: SampleRatioState) -> SampleRatioState:
    """Close the block: how far its share was from the one before, since the weight changed."""
    n, k, before, zero = state.block_n, state.block_k, state.since_n, np.zeros(())
    share = np.clip(state.since_k / np.maximum(before, 1.0), 1e-6, 1.0 - 1e-6)
    variance = n * share * (1.0 - share) * (1.0 + n / np.maximum(before, 1.0))
    counts = before > 0
    return replace(
        state,
        block_n=zero,
        block_k=zero,
        block_seconds=zero,
        since_n=before + n,
        since_k=state.since_k + k,
        dispersion=state.dispersion + np.where(counts, (k - n * share) ** 2 / variance, 0.0),
        blocks=state.blocks + np.where(counts, 1.0, 0.0),
    )


def alarm(state: SampleRatioState) -> Literal["less", "more"] | None:
    """What the candidate gets in place of its share, None while nothing is proven."""
    if log_total(state.above) >= LEVEL:
        return "more"
    if log_total(state.below) >= LEVEL:
        return "less"
    return None
