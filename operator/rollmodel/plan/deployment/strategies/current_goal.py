"""What the candidate should get at this moment."""

from __future__ import annotations

from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.goals import Goal
from rollmodel.plan.deployment.strategies.steps.bake import has_all_traffic

__all__ = ["current_goal"]


def current_goal(rollout: Rollout) -> Goal:
    """What the candidate should get now, if its pods can carry it.

    A pause while it takes over keeps what it has: the last step, or all traffic while it bakes.
    """
    step = rollout.candidate.step if rollout.candidate is not None else None
    strategy, spec = rollout.strategy, rollout.spec
    count = strategy.step_count(spec)
    if step is None or step < 0:
        first = strategy.goal(spec, -1)
        return Goal(0, sized_for=first.sized_for, preview=first.preview)
    if step < count or (rollout.paused and not has_all_traffic(rollout)):
        return strategy.goal(spec, min(step, count - 1))
    return Goal(100, sized_for=strategy.goal(spec, count - 1).sized_for)
