"""The shadow: the candidate gets copies of requests, and nobody gets its answers. Then a canary follows, if wanted."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentSpec, ShadowStep, Step
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.traffic import ADDRESS_TAKEN
from rollmodel.plan.deployment.strategies.canary import Canary
from rollmodel.plan.deployment.strategies.ends import transitions
from rollmodel.plan.deployment.strategies.goals import Comparison, Goal, Needs
from rollmodel.plan.deployment.strategies.steps.judged_step import hold

__all__ = ["Shadow"]

_STEP_SECONDS = 1200
_CANARY = Canary()


class Shadow:
    """Step 0 copies requests. It is followed by the steps of a canary, unless ``shadow.then`` is Promote."""

    needs = Needs(mirror=True)

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        """The step with copies, and those of the canary."""
        return 1 + (_CANARY.step_count(spec) if _then_canary(spec) else 0)

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        """No weight while requests are copied; a copy takes what a request takes, so pods follow the larger share."""
        copied = _shadow(spec).percent
        later = _CANARY.goal(spec, step - 1) if _then_canary(spec) else Goal(0)
        sized_for = max(copied, later.sized_for)
        if step == 0:
            return Goal(0, mirrored=copied, sized_for=sized_for)
        return Goal(later.weight if step > 0 else 0, sized_for=sized_for)

    def limits(self, spec: ModelDeploymentSpec, step: int) -> Step | None:
        """Of ``shadow``, then of the canary's steps."""
        if step > 0:
            return _CANARY.limits(spec, step - 1)
        shadow = _shadow(spec)
        return Step(
            weight=1,
            min_seconds=shadow.min_seconds,
            max_seconds=shadow.max_seconds,
            min_requests=shadow.min_requests,
        )

    def planned_seconds(self, spec: ModelDeploymentSpec) -> int:
        """Copies, then the canary."""
        later = _CANARY.planned_seconds(spec) if _then_canary(spec) else 0
        return (_shadow(spec).max_seconds or _STEP_SECONDS) + later

    def comparison(self, stable: ArmStatus, candidate: ArmStatus) -> Comparison:
        """What the candidate makes of the copies, against what the stable revision makes of the requests."""
        return _CANARY.comparison(stable, candidate)

    def entered(self, rollout: Rollout, step: int) -> Rollout:
        """An Event."""
        if step > 0:
            return _CANARY.entered(rollout, step - 1)
        message = f"{_label(rollout)} gets copies of {_shadow(rollout.spec).percent} % of the requests"
        return rollout.with_event("Normal", "StepEntered", message)

    def advance(self, rollout: Rollout, step: int) -> Rollout:
        """Copies are judged as requests are. A gateway that refuses to copy ends it: its route may serve nobody."""
        if step > 0:
            return _CANARY.advance(rollout, step - 1, after=step + 1)
        traffic, limits = rollout.traffic, self.limits(rollout.spec, step)
        if traffic.status == "False" and traffic.needs_person and traffic.reason != ADDRESS_TAKEN:
            message = f"{traffic.reason}: {traffic.message}"
            return transitions.roll_back(rollout, reason="MirrorRefused", message=message, by="gateway", blamed=False)
        return hold(rollout, limits) if limits is not None else rollout

    def place(self, rollout: Rollout, step: int) -> str:
        """Copies, or the weight of the canary."""
        if step > 0:
            return _CANARY.place(rollout, step - 1)
        return f"{_label(rollout)} gets copies of {_shadow(rollout.spec).percent} % of the requests"


def _shadow(spec: ModelDeploymentSpec) -> ShadowStep:
    return spec.rollout.shadow or ShadowStep()


def _then_canary(spec: ModelDeploymentSpec) -> bool:
    return _shadow(spec).then is None or _shadow(spec).then == "Canary"


def _label(rollout: Rollout) -> str:
    return rollout.label(rollout.candidate.revision) if rollout.candidate is not None else "nothing"
