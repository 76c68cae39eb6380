"""A candidate stands in for a stable revision without a ready pod, as on an installation: one that answers serves.

The stable revision gets the time that any revision gets for its pods. Then the candidate, which has carried all traffic
meanwhile, takes its place.
"""

from __future__ import annotations

from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.deployment.strategies.ends import transitions
from rollmodel.plan.deployment.strategies.outages.outage import stable_is_down
from rollmodel.plan.deployment.strategies.steps import stages

__all__ = ["STABLE_DOWN", "is_unjudged", "seconds_left", "stand_in", "stands_in"]

STABLE_DOWN = "StableDown"


def stands_in(rollout: Rollout) -> bool:
    """Whether the candidate is observed to carry all traffic at a step, for a stable revision that cannot."""
    candidate = rollout.candidate
    if candidate is None or not stable_is_down(rollout) or not rollout.live.ready(candidate.revision):
        return False
    return candidate.weight == 100 and 0 <= stages.step_of(rollout) < rollout.strategy.step_count(rollout.spec)


def seconds_left(rollout: Rollout) -> float:
    """How long the stable revision may still come back."""
    since = stages.candidate_of(rollout).weight_since
    return rollout.spec.rollout.deadline_seconds - rollout.seconds_since(since)


def stand_in(rollout: Rollout) -> Rollout:
    """It answers, and waits for the stable revision; it is promoted when that has had its time."""
    waiting = stages.wait_for_pods(rollout, enough=True)
    if waiting is not None:
        return waiting
    if rollout.paused or seconds_left(rollout) > 0:
        return rollout
    return transitions.promote(rollout, reason=STABLE_DOWN, by="readiness")


def is_unjudged(rollout: Rollout) -> bool:
    """Whether a candidate has weight by its step, and no judge: it stood in, and now it can be compared."""
    if rollout.state.judge is not None or not rollout.spec.analysis.metrics or stable_is_down(rollout):
        return False
    return current_goal(rollout).weight > 0
