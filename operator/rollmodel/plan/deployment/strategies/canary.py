"""The canary: the candidate gets more traffic step by step, each step with proof, by time, or by a person."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentSpec, Step
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.aims import Comparison, Goal, Needs
from rollmodel.plan.deployment.strategies.steps import stages
from rollmodel.plan.deployment.strategies.steps.judged_step import hold

__all__ = ["Canary"]

#: Without a time budget of its own a step is planned for this long, in seconds.
_STEP_SECONDS = 1200


class Canary:
    """``rollout.steps`` as the user wrote them; a pause keeps the weight of the step before it."""

    needs = Needs()

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        """As many as are written."""
        return len(spec.rollout.steps)

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        """The weight of the step, and its pods. From the start on there are pods for the first weight."""
        weights = [one for one in spec.rollout.steps if one.weight is not None]
        reached = [one for one in spec.rollout.steps[: step + 1] if one.weight is not None]
        if not weights:
            return Goal(0, sized_for=100)
        pods = (reached or weights[:1])[-1].pods_percent or 0
        return Goal(weight=reached[-1].weight or 0 if reached else 0, sized_for=max(weights[0].weight or 0, pods))

    def limits(self, spec: ModelDeploymentSpec, step: int) -> Step | None:
        """As written; a pause has none."""
        steps = spec.rollout.steps
        return steps[step] if 0 <= step < len(steps) and not steps[step].pause else None

    def planned_seconds(self, spec: ModelDeploymentSpec) -> int:
        """The time budgets of all weights; pauses do not count."""
        return sum(step.max_seconds or _STEP_SECONDS for step in spec.rollout.steps if step.weight is not None)

    def comparison(self, stable: ArmStatus, candidate: ArmStatus) -> Comparison:
        """The candidate against the stable revision, which serves the rest of the same traffic."""
        return Comparison(candidate=candidate.revision, stable=stable.revision)

    def entered(self, rollout: Rollout, step: int) -> Rollout:
        """A step with a weight posts an Event; a manual step pauses."""
        steps = rollout.spec.rollout.steps
        number = f"step {step + 1} of {len(steps)}"
        if steps[step].pause:
            return stages.pause(rollout, f"ManualStep: {number} waits for somebody to resume")
        return rollout.with_event(
            "Normal", "StepEntered", f"{_label(rollout)} goes to {steps[step].weight} %, {number}"
        )

    def advance(self, rollout: Rollout, step: int, *, after: int | None = None) -> Rollout:
        """A manual step goes on once a person has cleared ``paused``; a weight is held and judged.

        ``after``: the number of the step that follows, where others come before these.
        """
        current = rollout.spec.rollout.steps[step]
        if current.pause:
            following = step + 1 if after is None else after
            return rollout if rollout.paused else stages.enter(rollout, following, "Resumed")
        return hold(rollout, current)

    def place(self, rollout: Rollout, step: int) -> str:
        """The observed weight, and the step."""
        weight = rollout.candidate.weight if rollout.candidate is not None else 0
        return f"{_label(rollout)} at {weight} %, step {step + 1} of {len(rollout.spec.rollout.steps)}"


def _label(rollout: Rollout) -> str:
    return rollout.label(rollout.candidate.revision) if rollout.candidate is not None else "nothing"
