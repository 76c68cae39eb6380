"""What is being done now, in a line that helps at 3 a.m.: "v8 at 25 %, step 2 of 3: errors undecided, about 4 min"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.evidence.core.types import Assessment, Outcome
from rollmodel.plan.deployment.analysis.result import AnalysisResult
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.routers.weights import at_target, candidate_pods, target
from rollmodel.plan.deployment.state import RolloutState
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.times import parse, stamp

__all__ = ["Summary", "pods", "summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """A reason for programs and a line for people."""

    reason: str
    message: str


def summary(state: RolloutState, context: Context, analysis: AnalysisResult) -> Summary | None:
    """The most interesting thing that goes on, or None at rest."""
    if state.candidate is not None:
        if state.stable is None:
            return Summary("Installing", pods(context, state.candidate, context.spec.scale.replicas))
        return _rollout(state, context, analysis, state.candidate)
    if state.stable is not None and state.stable.ready_replicas < context.spec.scale.replicas:
        return Summary("Scaling", pods(context, state.stable, context.spec.scale.replicas))
    if state.retiring:
        return _draining(state, context)
    return Summary("Routing", context.traffic.message) if context.traffic.status != "True" else None


def pods(context: Context, arm: ArmStatus, wanted: int) -> str:
    """How many pods are ready, and what is wrong with the others."""
    line = f"{context.label(arm.revision)}: {arm.ready_replicas} of {wanted} pods ready"
    trouble = diagnose(context, arm.revision) if arm.ready_replicas < wanted else None
    return line if trouble is None else f"{line}; {trouble.reason}: {trouble.message}"


def _rollout(state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus) -> Summary:
    step = candidate.step if candidate.step is not None else -1
    steps, label = context.spec.rollout.steps, context.label(candidate.revision)
    missing = candidate.ready_since is None
    if context.spec.scale.replicas == 0:
        return Summary("ScaledToZero", f"{label} waits: there are no replicas and so no traffic to judge it by")
    if step < 0:
        return _starting(state, context, analysis, candidate)
    if step >= len(steps):
        why = pods(context, candidate, context.spec.scale.replicas) if missing else "waits until it carries all traffic"
        return Summary("Promoting", f"{label} takes over: {why}")
    where = f"{label} at {candidate.weight} %, step {step + 1} of {len(steps)}"
    if state.paused:
        return Summary("Paused", f"{where}: {state.paused}")
    return Summary("Judging", f"{where}: {_detail(state, context, analysis, candidate)}")


def _starting(state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus) -> Summary:
    if candidate.ready_since is None:
        return Summary("Starting", pods(context, candidate, candidate_pods(state, context.spec, context.live)))
    label = context.label(candidate.revision)
    if state.paused:
        return Summary("Paused", f"{label} has no traffic yet: {state.paused}")
    until = parse(candidate.ready_since) + timedelta(seconds=context.spec.rollout.warm_up_seconds)
    if context.now < until:
        return Summary("WarmingUp", f"{label} warms up until {stamp(until)}")
    if analysis.blind_since is not None:
        return Summary("WaitingForMetrics", f"{label} gets no traffic before it can be judged: {analysis.message}")
    if context.traffic.status != "True":
        return Summary("WaitingForRoute", f"{label} is warm: {context.traffic.message}")
    return Summary("WarmingUp", f"{label} is warm and waits for its first traffic")


def _detail(state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus) -> str:
    """Why it stands where it stands."""
    if candidate.ready_since is None:
        return f"waits for pods, {pods(context, candidate, candidate_pods(state, context.spec, context.live))}"
    if analysis.blind_since is not None:
        brief, _, _ = analysis.message.partition("; the query was:")  # MetricsAvailable has it whole
        return f"holds, because metrics cannot be read: {brief}"
    if not at_target(state, context.spec):
        return f"waits until {target(state, context.spec)} % are observed: {context.traffic.message}"
    if analysis.assessment is None:
        return "goes on by time alone" if not context.spec.analysis.metrics else "waits for the first window"
    return _opinion(state, analysis.assessment)


def _opinion(state: RolloutState, assessment: Assessment) -> str:
    if assessment.outcome is Outcome.UNDECIDED:
        return _undecided(state) or assessment.message
    if assessment.outcome is Outcome.SAFE:
        return "proven safe, and stays its time at this weight"
    return f"holds: {assessment.message}"


def _undecided(state: RolloutState) -> str:
    """The metrics that are still open, with what they need."""
    parts = [
        f"{line.metric} undecided" + (f", {line.until_decision}" if line.until_decision else "")
        for line in state.evidence
        if line.verdict == "Undecided"
    ]
    return "; ".join(parts)


def _draining(state: RolloutState, context: Context) -> Summary:
    parts = []
    for arm in state.retiring:
        label = context.label(arm.revision)
        if arm.weight > 0 or context.traffic.weights is None:
            parts.append(f"{label} still has {arm.weight} % observed")
        else:
            parts.append(f"{label} finishes its requests and is removed")
    return Summary("Draining", "; ".join(parts))
