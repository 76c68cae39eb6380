"""Rollmodel's own rule on simulated counts: the numpy core of the judge, all runs at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.evalue import Pair, margin, tick
from rollmodel.evidence.core.mixture import windows_to_decide
from rollmodel.evidence.counts import model as core
from rollmodel.evidence.counts.baseline import Baseline, from_split, from_total, unknown
from rollmodel.evidence.levels import levels

from tests.bench.evidence.rules.rivals import Floats, Verdicts
from tests.bench.evidence.worlds import TICK_SECONDS, Counts, World, simulate_history

__all__ = ["STANDARD", "Policy", "configured", "judge", "learn", "mark"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Margins and risks of a count metric. The harm line at "no difference" makes false alarms the hardest."""

    harm: tuple[float, float] = (1.0, 0.0)
    safe: tuple[float, float] = (1.5, 0.0)
    alpha_harm: float = 0.05
    alpha_safe: float = 0.05


#: The policy of the tables unless they say otherwise.
STANDARD = Policy()


def learn(world: World, runs: int, rng: np.random.Generator, source: str = "split") -> Baseline:
    """What each run knows of the stable arm before it begins: ``split`` pods, the ``total`` only, or ``none``."""
    if source == "none":
        return unknown((runs,))
    history = simulate_history(world, runs, rng)
    if source == "total":
        return from_total(history.na + history.nb, history.ka + history.kb)
    return from_split(tick(history.na, history.ka, history.nb, history.kb))


def configured(
    world: World, known: Baseline, policy: Policy = STANDARD, metrics: int = 1, *, interval: float = TICK_SECONDS
) -> core.CountConfig:
    """The policy frozen for the planned traffic and time; of several metrics each gets an equal part of the risk."""
    shape = known.rate.shape
    harm, safe = margin(*policy.harm), margin(*policy.safe)
    joint = -math.log(policy.alpha_harm)
    own = np.full(shape, joint + math.log(metrics))
    traffic = Pair(*(np.full(shape, rps * TICK_SECONDS) for rps in (world.canary_rps, world.stable_rps)))
    return core.configure(
        known,
        harm=harm,
        safe=safe,
        weights=core.tuned_weights(known, harm, own, traffic=traffic, planned_ticks=array(world.ticks)),
        levels=levels(own, -math.log(policy.alpha_safe), joint, windows=windows_to_decide(interval)),
    )


def judge(
    world: World,
    counts: Counts,
    known: Baseline,
    policy: Policy = STANDARD,
    *,
    seconds: Floats | None = None,
    interval: float = TICK_SECONDS,
) -> Verdicts:
    """Seconds until harm and until safety is proven, each for itself (the other does not stop it).

    seconds: lengths of the windows [runs, ticks], where they are not all a tick. interval: seconds of a tick.
    """
    config = configured(world, known, policy, interval=interval)
    state = core.begin(config, known)
    runs, ticks = counts.na.shape
    harm, safe = np.full(runs, np.inf), np.full(runs, np.inf)
    for t in range(ticks):
        window = tick(counts.na[:, t], counts.ka[:, t], counts.nb[:, t], counts.kb[:, t])
        state = core.update(config, state, window, seconds=interval if seconds is None else seconds[:, t])
        now = (t + 1) * interval
        mark(harm, core.log_harm(state) >= config.harm_level, now)
        mark(safe, core.log_safe(state) >= config.safe_level, now)
    return Verdicts(harm, safe)


def mark(times: NDArray[np.float64], crossed: NDArray[np.bool_] | np.bool_, now: float) -> None:
    """Write ``now`` where something is crossed for the first time."""
    times[crossed & np.isinf(times)] = now
