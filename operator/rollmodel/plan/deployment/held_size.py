"""Keeps the size that all traffic takes while what is asked for follows from a part of it."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.full_size import during_rollout, settled
from rollmodel.plan.deployment.rollout import Rollout

__all__ = ["hold_size"]


def hold_size(rollout: Rollout) -> Rollout:
    """With the size that is kept now, and an Event when that begins."""
    before, stable = rollout.state.held_size, rollout.stable
    if stable is None:
        return rollout.with_state(held_size=None)
    asked, has = rollout.spec.scale.replicas, _has(rollout, stable)
    if rollout.candidate is not None:
        held = during_rollout(before, asked=asked, has=has, share=_largest_share(rollout))
    else:
        history = rollout.state.history
        ended = history[-1].time if history and history[-1].verdict != "Installed" else None
        held = settled(before, asked=asked, has=has, now=rollout.now, ended=ended)
    if held == before:
        return rollout
    rollout = rollout.with_state(held_size=held)
    if before is not None or held is None:
        return rollout
    return rollout.with_event(
        "Normal",
        "SizeHeld",
        f"`scale.replicas` is {asked}; {held.replicas} pods are kept, since a candidate hides a part of the load",
    )


def _has(rollout: Rollout, stable: ArmStatus) -> int:
    """Pods that take all traffic now: those of the stable revision, and those that have their places."""
    arms = [stable] if rollout.strategy.needs.surge else rollout.state.arms()
    return sum(rollout.live.asked_replicas(arm.revision) for arm in arms)


def _largest_share(rollout: Rollout) -> int:
    """The largest weight in percent that the candidate had or may have had."""
    candidate = rollout.candidate
    if candidate is None or candidate.step is None:
        return 0
    count = rollout.strategy.step_count(rollout.spec)
    if candidate.step >= count:
        return 100
    goals = (rollout.strategy.goal(rollout.spec, step).weight for step in range(candidate.step + 1))
    return max(candidate.weight, *goals, 0)
