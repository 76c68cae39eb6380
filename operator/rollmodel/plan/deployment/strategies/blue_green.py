"""Blue/green: the candidate is previewed at full size beside all traffic, then takes all of it in one change."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ArmStatus, BlueGreenStep, ModelDeploymentSpec, Step
from rollmodel.plan import naming
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.goals import Comparison, Goal, Needs
from rollmodel.plan.deployment.strategies.split import least_pods
from rollmodel.plan.deployment.strategies.steps import stages
from rollmodel.plan.times import parse

__all__ = ["BlueGreen"]


class BlueGreen:
    """One step, without traffic; a Service of its own name leads to the candidate meanwhile."""

    needs = Needs()

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        """One: the preview."""
        del spec
        return 1

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        """No traffic, and the pods that take all of it: after the switch there is no time to start any."""
        del spec, step
        return Goal(0, sized_for=100, preview=True)

    def limits(self, spec: ModelDeploymentSpec, step: int) -> Step | None:
        """None: time or a person ends it."""
        del spec, step
        return None

    def planned_seconds(self, spec: ModelDeploymentSpec) -> int:
        """The preview and the bake, in which ceilings hold."""
        return (_step(spec).preview_seconds or 0) + (spec.rollout.bake_seconds or 0)

    def comparison(self, stable: ArmStatus, candidate: ArmStatus) -> Comparison:
        """Nobody: who tries the preview asks for other things than users do, so only its ceilings are judged."""
        return Comparison(candidate=candidate.revision, stable=stable.revision, alone=True)

    def entered(self, rollout: Rollout, step: int) -> Rollout:
        """An Event with the address of the preview."""
        del step
        return rollout.with_event("Normal", "StepEntered", _where(rollout))

    def advance(self, rollout: Rollout, step: int) -> Rollout:
        """Once its pods are ready: after ``previewSeconds``, or when somebody says so."""
        candidate = stages.candidate_of(rollout)
        enough = rollout.live.ready(candidate.revision) >= least_pods(rollout)
        waiting = stages.wait_for_pods(rollout, enough=enough)
        if waiting is not None:
            return waiting
        if rollout.paused:
            return rollout
        if _step(rollout.spec).switch == "Manual":
            if _resumed(rollout, candidate):
                return stages.enter(rollout, step + 1, "Resumed")
            return stages.pause(rollout, f"ManualStep: {_where(rollout)}, and waits for somebody to resume")
        previewed = rollout.seconds_since(candidate.ready_since)
        return stages.enter(rollout, step + 1, "Ready") if previewed >= _seconds(rollout.spec) else rollout

    def place(self, rollout: Rollout, step: int) -> str:
        """The address of the preview."""
        del step
        return _where(rollout)


def _step(spec: ModelDeploymentSpec) -> BlueGreenStep:
    return spec.rollout.blue_green or BlueGreenStep()


def _seconds(spec: ModelDeploymentSpec) -> int:
    return _step(spec).preview_seconds or 0


def _resumed(rollout: Rollout, candidate: ArmStatus) -> bool:
    """Whether a person has resumed this step."""
    last = rollout.state.last_command
    if last is None or last.result != "Done" or last.text.split()[:2] != ["resume", candidate.revision]:
        return False
    return candidate.since is None or parse(last.time) >= parse(candidate.since)


def _where(rollout: Rollout) -> str:
    label = rollout.label(rollout.candidate.revision) if rollout.candidate is not None else "nothing"
    return f"{label} is previewed at Service {naming.preview(rollout.observed.name)}"
