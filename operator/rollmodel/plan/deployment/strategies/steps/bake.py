"""The bake: a candidate has taken all traffic, and the stable revision stays warm for a while before it is replaced.

It is the last stage of a rollout, so all that ends one still does: pods that crash, a ceiling that is breached,
blindness, a person. The way back is one change of the split. Nobody is left to compare the candidate with.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.times import parse

__all__ = ["bakes_until", "has_all_traffic", "seconds_left"]


def has_all_traffic(rollout: Rollout) -> bool:
    """Whether the candidate has earned all traffic, or a person gave it, and is observed to have it."""
    candidate = rollout.candidate
    if candidate is None or candidate.step is None or candidate.step < rollout.strategy.step_count(rollout.spec):
        return False
    return rollout.traffic.weights == {candidate.revision: 100}


def bakes_until(rollout: Rollout) -> datetime | None:
    """The end of the bake of a candidate that has all traffic; None where there is no bake, or it is over."""
    candidate, seconds = rollout.candidate, rollout.spec.rollout.bake_seconds
    if candidate is None or candidate.weight_since is None or not seconds or not has_all_traffic(rollout):
        return None
    until = parse(candidate.weight_since) + timedelta(seconds=seconds)
    return until if rollout.now < until else None


def seconds_left(rollout: Rollout) -> float:
    """Seconds until the end of the bake; 0 where there is none."""
    until = bakes_until(rollout)
    return 0.0 if until is None else (until - rollout.now).total_seconds()
