"""Waits of a candidate that nothing ends by itself: a person is told, and who gets traffic meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.outages.outage import stable_is_down
from rollmodel.plan.deployment.strategies.steps.stages import forced, step_of

__all__ = ["LONGEST_STEP_SECONDS", "overdue"]

#: A step without ``maxSeconds`` may take so long beyond its ``minSeconds``; then somebody should look.
LONGEST_STEP_SECONDS = 24 * 3600


def overdue(rollout: Rollout, split: str) -> Iterator[ConditionDraft]:
    """What has lasted too long; ``split`` says who gets traffic. The wait itself goes on."""
    candidate = rollout.candidate
    if candidate is None or forced(candidate) or rollout.paused or stable_is_down(rollout):
        return
    label, name = rollout.label(candidate.revision), rollout.observed.name
    ask = f"`rollmodel abort {name}` or `promote` ends it"
    if _blind_too_long(rollout):
        most = rollout.spec.rollout.max_blind_seconds
        message = f"no evidence about {label} for more than {most} s, and `onBlind` is Hold; traffic: {split}; {ask}"
        yield ConditionDraft("True", "Blind", f"{message}: {rollout.analysis.message}")
    elif _step_too_long(rollout):
        hours = LONGEST_STEP_SECONDS // 3600
        message = (
            f"{label} is undecided for more than {hours} h at a step without `maxSeconds`; traffic: {split}; {ask}"
        )
        yield ConditionDraft("True", "StepOverdue", message)


def _blind_too_long(rollout: Rollout) -> bool:
    since = rollout.analysis.blind_since
    return since is not None and (rollout.now - since).total_seconds() >= rollout.spec.rollout.max_blind_seconds


def _step_too_long(rollout: Rollout) -> bool:
    number = step_of(rollout)
    if rollout.candidate is None or not 0 <= number < rollout.strategy.step_count(rollout.spec):
        return False
    limits = rollout.strategy.limits(rollout.spec, number)
    if limits is None or limits.max_seconds is not None:
        return False
    waited = rollout.seconds_since(rollout.candidate.since)
    return waited >= (limits.min_seconds or 0) + LONGEST_STEP_SECONDS
