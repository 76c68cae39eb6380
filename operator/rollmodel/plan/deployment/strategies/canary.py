"""The canary: the candidate gets more traffic step by step, each step with proof, by time, or by a person.

The steps are written, or those of a ramp: then the harm that is still possible says how large the next weight is.
"""

from __future__ import annotations

import math
from functools import partial

from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentSpec, Step
from rollmodel.plan.deployment.analysis.harm import expected_harm
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.goals import Comparison, Goal, Needs
from rollmodel.plan.deployment.strategies.steps import stages
from rollmodel.plan.deployment.strategies.steps.judged_step import hold
from rollmodel.plan.deployment.strategies.steps.ramp import canary_steps

__all__ = ["Canary"]

#: Without a time budget of its own a step is planned for this long, in seconds.
_STEP_SECONDS = 1200
#: A ramp is planned for this many weights; it may have more, and leaves most of them out.
_WEIGHTS_OF_A_RAMP = 3


class Canary:
    """``rollout.steps`` as the user wrote them, or a ramp; a pause keeps the weight of the step before it."""

    needs = Needs()

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        """As many as are written, or as a ramp may have."""
        return len(canary_steps(spec.rollout))

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        """The weight of the step, and its pods. From the start on there are pods for the first weight."""
        steps = canary_steps(spec.rollout)
        weights = [one for one in steps if one.weight is not None]
        reached = [one for one in steps[: step + 1] if one.weight is not None]
        if not weights:
            return Goal(0, sized_for=100)
        pods = (reached or weights[:1])[-1].pods_percent or 0
        return Goal(weight=reached[-1].weight or 0 if reached else 0, sized_for=max(weights[0].weight or 0, pods))

    def limits(self, spec: ModelDeploymentSpec, step: int) -> Step | None:
        """As written; a pause has none."""
        steps = canary_steps(spec.rollout)
        return steps[step] if 0 <= step < len(steps) and not steps[step].pause else None

    def planned_seconds(self, spec: ModelDeploymentSpec) -> int:
        """The time budgets of all weights; pauses do not count."""
        if (ramp := spec.rollout.ramp) is not None:
            return _WEIGHTS_OF_A_RAMP * (ramp.max_seconds or _STEP_SECONDS)
        return sum(step.max_seconds or _STEP_SECONDS for step in spec.rollout.steps if step.weight is not None)

    def comparison(self, stable: ArmStatus, candidate: ArmStatus) -> Comparison:
        """The candidate against the stable revision, which serves the rest of the same traffic."""
        return Comparison(candidate=candidate.revision, stable=stable.revision)

    def entered(self, rollout: Rollout, step: int) -> Rollout:
        """A step with a weight posts an Event; a manual step pauses."""
        steps = canary_steps(rollout.spec.rollout)
        number = _number(rollout, step)
        if steps[step].pause:
            return stages.pause(rollout, f"ManualStep: {number} waits for somebody to resume")
        goes = f"{_label(rollout)} goes to {steps[step].weight} %, {number}"
        harm = _harm_words(rollout, steps[step].weight or 0)
        return rollout.with_event("Normal", "StepEntered", f"{goes}: {harm}" if step and harm else goes)

    def advance(self, rollout: Rollout, step: int, *, after: int | None = None) -> Rollout:
        """A manual step goes on once a person has cleared ``paused``; a weight is held and judged.

        ``after``: the number of the step that follows, where others come before these.
        """
        current = canary_steps(rollout.spec.rollout)[step]
        if current.pause:
            following = step + 1 if after is None else after
            return rollout if rollout.paused else stages.enter(rollout, following, "Resumed")
        ramp = rollout.spec.rollout.ramp
        return hold(rollout, current, None if ramp is None else partial(expected_harm, rollout))

    def place(self, rollout: Rollout, step: int) -> str:
        """The observed weight, and the step."""
        weight = rollout.candidate.weight if rollout.candidate is not None else 0
        where = f"{_label(rollout)} at {weight} %, {_number(rollout, step)}"
        steps = canary_steps(rollout.spec.rollout)
        harm = _harm_words(rollout, steps[step + 1].weight or 0) if step + 1 < len(steps) else ""
        return f"{where}; {harm}" if harm else where


def _number(rollout: Rollout, step: int) -> str:
    """Where a step stands: its number, or the end of its ramp."""
    policy = rollout.spec.rollout
    return (
        f"step {step + 1} of {len(policy.steps)}" if policy.ramp is None else f"on a ramp to {policy.ramp.max_weight} %"
    )


def _harm_words(rollout: Rollout, weight: int) -> str:
    """The harm that is possible at a weight of a ramp, and its bound; empty where there is no ramp, or no evidence."""
    ramp, harm = rollout.spec.rollout.ramp, expected_harm(rollout, weight)
    if ramp is None or not math.isfinite(harm):
        return ""
    return f"expected harm at {weight} % {harm:.2g} requests, at most {ramp.max_expected_harm} are allowed"


def _label(rollout: Rollout) -> str:
    return rollout.label(rollout.candidate.revision) if rollout.candidate is not None else "nothing"
