"""What is being done now, in a line that helps at 3 a.m.: "v8 at 25 %, step 2 of 3: errors undecided, about 4 min"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.evidence.core.types import Assessment, Outcome
from rollmodel.plan.deployment.analysis.result import Sight
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.routers.weights import at_target, candidate_pods, target
from rollmodel.plan.deployment.state import Memory
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.times import parse, stamp

__all__ = ["Activity", "activity", "pods"]


@dataclass(frozen=True, slots=True)
class Activity:
    """A reason for programs and a line for people."""

    reason: str
    message: str


def activity(memory: Memory, look: Look, sight: Sight) -> Activity | None:
    """The most interesting thing that goes on, or None at rest."""
    if memory.candidate is not None:
        if memory.stable is None:
            return Activity("Installing", pods(look, memory.candidate, look.spec.scale.replicas))
        return _rollout(memory, look, sight, memory.candidate)
    if memory.stable is not None and memory.stable.ready_replicas < look.spec.scale.replicas:
        return Activity("Scaling", pods(look, memory.stable, look.spec.scale.replicas))
    if memory.retiring:
        return _draining(memory, look)
    return Activity("Routing", look.traffic.message) if look.traffic.status != "True" else None


def pods(look: Look, arm: ArmStatus, wanted: int) -> str:
    """How many pods are ready, and what is wrong with the others."""
    line = f"{look.label(arm.revision)}: {arm.ready_replicas} of {wanted} pods ready"
    trouble = diagnose(look, arm.revision) if arm.ready_replicas < wanted else None
    return line if trouble is None else f"{line}; {trouble.reason}: {trouble.message}"


def _rollout(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus) -> Activity:
    step = candidate.step if candidate.step is not None else -1
    steps, label = look.spec.rollout.steps, look.label(candidate.revision)
    missing = candidate.ready_since is None
    if look.spec.scale.replicas == 0:
        return Activity("ScaledToZero", f"{label} waits: there are no replicas and so no traffic to judge it by")
    if step < 0:
        return _starting(memory, look, sight, candidate)
    if step >= len(steps):
        why = pods(look, candidate, look.spec.scale.replicas) if missing else "waits until it carries all traffic"
        return Activity("Promoting", f"{label} takes over: {why}")
    where = f"{label} at {candidate.weight} %, step {step + 1} of {len(steps)}"
    if memory.paused:
        return Activity("Paused", f"{where}: {memory.paused}")
    return Activity("Judging", f"{where}: {_detail(memory, look, sight, candidate)}")


def _starting(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus) -> Activity:
    if candidate.ready_since is None:
        return Activity("Starting", pods(look, candidate, candidate_pods(memory, look.spec, look.world)))
    label = look.label(candidate.revision)
    if memory.paused:
        return Activity("Paused", f"{label} has no traffic yet: {memory.paused}")
    until = parse(candidate.ready_since) + timedelta(seconds=look.spec.rollout.warm_up_seconds)
    if look.now < until:
        return Activity("WarmingUp", f"{label} warms up until {stamp(until)}")
    if sight.blind_since is not None:
        return Activity("WaitingForMetrics", f"{label} gets no traffic before it can be judged: {sight.message}")
    if look.traffic.status != "True":
        return Activity("WaitingForRoute", f"{label} is warm: {look.traffic.message}")
    return Activity("WarmingUp", f"{label} is warm and waits for its first traffic")


def _detail(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus) -> str:
    """Why it stands where it stands."""
    if candidate.ready_since is None:
        return f"waits for pods, {pods(look, candidate, candidate_pods(memory, look.spec, look.world))}"
    if sight.blind_since is not None:
        brief, _, _ = sight.message.partition("; the query was:")  # MetricsAvailable has it whole
        return f"holds, because metrics cannot be read: {brief}"
    if not at_target(memory, look.spec):
        return f"waits until {target(memory, look.spec)} % are observed: {look.traffic.message}"
    if sight.assessment is None:
        return "goes on by time alone" if not look.spec.analysis.metrics else "waits for the first window"
    return _opinion(memory, sight.assessment)


def _opinion(memory: Memory, assessment: Assessment) -> str:
    if assessment.outcome is Outcome.UNDECIDED:
        return _undecided(memory) or assessment.message
    if assessment.outcome is Outcome.SAFE:
        return "proven safe, and stays its time at this weight"
    return f"holds: {assessment.message}"


def _undecided(memory: Memory) -> str:
    """The metrics that are still open, with what they need."""
    parts = [
        f"{line.metric} undecided" + (f", {line.until_decision}" if line.until_decision else "")
        for line in memory.evidence
        if line.verdict == "Undecided"
    ]
    return "; ".join(parts)


def _draining(memory: Memory, look: Look) -> Activity:
    parts = []
    for arm in memory.retiring:
        label = look.label(arm.revision)
        if arm.weight > 0 or look.traffic.weights is None:
            parts.append(f"{label} still has {arm.weight} % observed")
        else:
            parts.append(f"{label} finishes its requests and is removed")
    return Activity("Draining", "; ".join(parts))
