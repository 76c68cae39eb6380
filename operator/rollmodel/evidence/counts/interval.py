"""What people see next to a verdict: the ratio with an interval, and the time that a decision still needs.

The interval holds at all times together (a confidence sequence): the mixture boundary of Robbins for a process with
estimated variance (Howard, Ramdas, McAuliffe, Sekhon, arXiv 1810.08240) around log R. It is asymptotic, unlike the
e-values, and decides nothing but ``onUndecided: Promote``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.core.evalue import HIGH, Tick
from rollmodel.evidence.core.mixture import ticks_to_level
from rollmodel.evidence.counts.model import CountConfig, CountState, dispersion, log_bets
from rollmodel.evidence.noise.dispersion import ratio

__all__ = ["Interval", "confidence_sequence", "ratio_interval", "seconds_to_harm", "seconds_to_safe"]

#: Where the boundary is tightest, in units of Fisher information.
TUNING = 5.0
#: Bad requests of the candidate from which on an interval is shown.
LEAST_EVENTS = 5.0


class Interval(NamedTuple):
    """Ratio of the candidate's to the stable rate with its limits, shape [...]; NaN while it is not known."""

    ratio: Array
    low: Array
    high: Array


def ratio_interval(config: CountConfig, state: CountState, alpha: float = 0.05) -> Interval:
    """Mantel-Haenszel ratio and its (1 - alpha) confidence sequence."""
    sums, middle = state.contrast, ratio(state.contrast)
    variance = (sums.var_a + middle**2 * sums.var_b) * dispersion(config, state)
    return confidence_sequence(middle, sums.a, np.where(state.ka >= LEAST_EVENTS, variance, 0.0), alpha)


def confidence_sequence(middle: Array, numerator: Array, variance: Array, alpha: float = 0.05) -> Interval:
    """Limits for a ratio whose numerator has this sum and whose contrast has this variance; NaN where that is 0."""
    known = (variance > 0) & (numerator > 0)
    information = np.where(known, numerator**2 / np.where(known, variance, 1.0), 1.0)
    total = information + TUNING
    width = np.sqrt(total / information**2 * np.log(total / (TUNING * alpha**2)))
    center = np.where(known, middle, np.nan)
    with np.errstate(over="ignore"):
        return Interval(center, center * np.exp(-width), center * np.exp(width))


def seconds_to_harm(config: CountConfig, state: CountState, interval: float) -> Array:
    """Expected seconds until proof of harm if the ratio seen so far is the truth; inf where it never comes."""
    counts = _expected(config, state, ratio(state.contrast))
    harm, _ = log_bets(config, state, counts)
    return (
        ticks_to_level(state.harm, harm / dispersion(config, state)[..., None], config.harm_level)
        * config.merge
        * interval
    )


def seconds_to_safe(config: CountConfig, state: CountState, interval: float) -> Array:
    """Expected seconds until proof of safety if there is no difference at all; inf where it never comes."""
    _, safe = log_bets(config, state, _expected(config, state, np.ones_like(state.na)))
    return (
        ticks_to_level(state.safe, safe / dispersion(config, state)[..., None], config.safe_level)
        * config.merge
        * interval
    )


def _expected(config: CountConfig, state: CountState, times: Array) -> Tick:
    """The mean of a (merged) tick at the present pace, with the candidate's rate ``times`` the stable one."""
    rate = state.guess_bad / state.guess_total
    na, nb = state.pace_a * config.merge, state.pace_b * config.merge
    return Tick(na, na * np.minimum(times * rate, HIGH), nb, nb * rate)
