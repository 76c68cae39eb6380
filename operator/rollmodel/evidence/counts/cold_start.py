"""The guard of a cold start for shares: it bets on far larger rates than ordinary noise makes.

The line stays clear of that noise: 1.5 times the stable rate and half a percentage point, or the harm line where that
is farther.
"""

from __future__ import annotations

import numpy as np

from rollmodel.evidence.core.arrays import Array, Mask, array
from rollmodel.evidence.core.evalue import Margin, Tick, log_evalue
from rollmodel.evidence.core.mixture import RANGE, Mixture, Wealth, bet
from rollmodel.evidence.glaring import RATIO

__all__ = ["GLARING", "line", "update"]

#: Odds ratios of the glaring alternatives to the guard's line.
GLARING = array([2.0, 4.0, 10.0, 30.0])
#: The line: 1.5 times the stable rate, plus this.
ABSOLUTE = 0.005


def line(harm: Margin) -> Margin:
    """What counts as glaring: beyond this line, and beyond the harm line."""
    return Margin(np.maximum(harm.ratio, RATIO), np.maximum(harm.absolute, ABSOLUTE))


def update(made: Mixture, wealth: Wealth, counts: Tick, *, guess: Array, harm: Margin, learning: Mask) -> Wealth:
    """The guard after one window: it bets while the noise is learnt, and keeps what it has after that."""
    kappa = np.broadcast_to(GLARING, wealth.log.shape)
    betting = np.asarray(learning)[..., None] & (wealth.log > RANGE[0])
    gain = np.where(betting, log_evalue(counts, guess, line(harm), kappa), 0.0)
    return bet(made, wealth, gain, np.zeros(wealth.reserve.shape))
