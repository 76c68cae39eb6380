"""Wealth spread over alternatives: the e-process that a sequence of e-values makes.

Each alternative starts with its share of the wealth 1 and multiplies it by its own e-values. A *reserve* is kept back
and released slowly, so that a fault that begins late still meets fresh wealth (a mixture over starting times). The sum
is a non-negative supermartingale under the null: the chance that it ever reaches 1/alpha is at most alpha (Ville).

A *cap* bounds what one tick may add, so that no single scrape decides, and nothing that is over within five seconds;
lowering a factor keeps the process valid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, array

__all__ = [
    "LEAST_WINDOWS",
    "RANGE",
    "Mixture",
    "Wealth",
    "bet",
    "log_total",
    "mixture",
    "part_of",
    "release_seconds",
    "start",
    "ticks_to_level",
    "windows_to_decide",
]

#: Shortest time constant of the release of the reserve, and its part of the planned time.
RELEASE_SECONDS, RELEASE_PART = 1800.0, 0.5
#: Log wealth stays within these: beyond, it says nothing more and would only leave the range of a float.
RANGE = (-60.0, 60.0)
#: Missing evidence over drift is 1.4 to 1.5 times the median time to a proof, in five measured cells.
DRIFT_BIAS = 0.7
#: Fewest ticks that decide, and the least seconds from the end of the first of them to the end of the last.
LEAST_WINDOWS, LEAST_SPREAD = 2, 5.0
#: Too few ticks leave the sum of all metrics below this part of the threshold.
TOO_FEW = 0.99


@dataclass(frozen=True, slots=True)
class Mixture:
    """Prior of an e-process, frozen for a rollout: weights (which sum to 1) and caps [..., J], reserve [...].

    ``release`` is the time constant in seconds with which the reserve is released.
    """

    weights: Array
    reserve: Array
    cap: Array
    release: Array


@dataclass(frozen=True, slots=True)
class Wealth:
    """State of an e-process: log wealth of each alternative [..., J] and the reserve [...]."""

    log: Array
    reserve: Array


def release_seconds(planned: float) -> float:
    """How slowly a rollout planned for so many seconds releases its reserve: in a long one a late fault is later."""
    return max(RELEASE_SECONDS, RELEASE_PART * planned)


def windows_to_decide(interval: float) -> int:
    """The fewest windows of so many seconds that decide: a pod that stands still for a moment is in fewer of them."""
    return max(LEAST_WINDOWS, math.ceil(LEAST_SPREAD / interval) + 1)


def mixture(
    weights: ArrayLike,
    reserve: ArrayLike,
    threshold: ArrayLike,
    *,
    joint: ArrayLike | None = None,
    release: float = RELEASE_SECONDS,
    windows: int = LEAST_WINDOWS,
) -> Mixture:
    """A prior whose caps let this many ticks decide, but not one fewer.

    threshold: log of this process' own crossing level [...]; joint: log of the level for all metrics together (the
    default: the same). Fewer ticks than ``windows`` do not bring the mean over metrics to the joint level, even if all
    of them jump in each.
    """
    weights, reserve, own = array(weights), array(reserve), array(threshold)
    level = own if joint is None else array(joint)
    begun = np.log(weights * (1.0 - reserve[..., None]))
    cap = (own[..., None] - begun) / windows
    # All of the reserve may be released before the last of the first ticks.
    most = np.log(np.sum(weights * np.exp((windows - 1) * cap), axis=-1))
    excess = np.maximum(0.0, most - level - np.log(TOO_FEW)) / (windows - 1)
    return Mixture(
        weights, np.broadcast_to(reserve, weights.shape[:-1]), cap - excess[..., None], np.full(own.shape, release)
    )


def start(prior: Mixture) -> Wealth:
    """The wealth before the first tick: 1 in total."""
    return Wealth(np.log(prior.weights * (1.0 - prior.reserve[..., None])), prior.reserve)


def part_of(wealth: Wealth, part: Array) -> Wealth:
    """This part [...] of a wealth: the rest of the risk is another process'."""
    return Wealth(wealth.log + np.log(part)[..., None], wealth.reserve * part)


def bet(prior: Mixture, wealth: Wealth, log_e: Array, seconds: Array) -> Wealth:
    """The wealth after a tick of this length with these (already tempered) log e-values [..., J]."""
    released = -np.expm1(-seconds / prior.release) * wealth.reserve
    fresh = np.log(np.exp(wealth.log) + released[..., None] * prior.weights)
    return Wealth(np.clip(fresh + np.minimum(log_e, prior.cap), *RANGE), wealth.reserve - released)


def log_total(wealth: Wealth) -> Array:
    """Logarithm of the e-process: what is compared with log(1/alpha)."""
    top = np.max(wealth.log, axis=-1)
    total = np.exp(wealth.log - top[..., None]).sum(axis=-1) + wealth.reserve * np.exp(-top)
    return np.asarray(top + np.log(total))


def ticks_to_level(wealth: Wealth, drift: Array, level: Array) -> Array:
    """Expected ticks until the level is reached if log e has this mean [..., J] from now on; inf for never."""
    missing = np.maximum(level[..., None] - wealth.log, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(drift > 0, missing / drift, np.inf)
    return np.where(log_total(wealth) >= level, 0.0, DRIFT_BIAS * needed.min(axis=-1))
