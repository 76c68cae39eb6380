"""What is being done now, in a line that helps at 3 a.m.: "v8 at 25 %, step 2 of 3: errors undecided, about 4 min"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.evidence.core.types import Assessment, Outcome
from rollmodel.plan.coordination.standing import WAITING
from rollmodel.plan.deployment.analysis.missing.silence import SILENT
from rollmodel.plan.deployment.beginning import waiting_condition
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.strategies.baseline.pods import baseline_is_missing, baseline_pods
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.deployment.strategies.outages.stand_in import seconds_left, stands_in
from rollmodel.plan.deployment.strategies.split import at_goal, candidate_pods, least_pods, pods_to_have
from rollmodel.plan.deployment.strategies.steps.bake import bakes_until, has_all_traffic
from rollmodel.plan.times import parse, stamp

__all__ = ["Summary", "pods", "summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """A reason for programs and a line for people."""

    reason: str
    message: str


def summary(rollout: Rollout) -> Summary | None:
    """The most interesting thing that goes on, or None at rest."""
    if rollout.candidate is not None:
        if rollout.stable is None:
            return Summary("Installing", pods(rollout, rollout.candidate, rollout.full_size))
        return _rollout(rollout, rollout.candidate)
    if rollout.stable is not None and rollout.stable.ready_replicas < pods_to_have(rollout):
        return Summary("Scaling", pods(rollout, rollout.stable, pods_to_have(rollout)))
    if (waiting := _waits(rollout)) is not None:
        return waiting
    if rollout.retiring:
        return _draining(rollout)
    return Summary("Routing", rollout.traffic.message) if rollout.traffic.status != "True" else None


def pods(rollout: Rollout, arm: ArmStatus, wanted: int) -> str:
    """How many pods are ready, and what is wrong with the others."""
    line = f"{rollout.label(arm.revision)}: {arm.ready_replicas} of {wanted} pods ready"
    trouble = diagnose(rollout.context, arm.revision) if arm.ready_replicas < wanted else None
    return line if trouble is None else f"{line}; {trouble.reason}: {trouble.message}"


def _waits(rollout: Rollout) -> Summary | None:
    """What would begin, and rules hold it up."""
    line = waiting_condition(rollout).get(WAITING)
    return Summary("Waiting", line.message) if line is not None and line.status == "True" else None


def _rollout(rollout: Rollout, candidate: ArmStatus) -> Summary:
    step = candidate.step if candidate.step is not None else -1
    label = rollout.label(candidate.revision)
    if rollout.full_size == 0:
        return Summary("ScaledToZero", f"{label} waits: there are no replicas and so no traffic to judge it by")
    if step < 0:
        return _starting(rollout, candidate)
    if step >= rollout.strategy.step_count(rollout.spec):
        return _taking_over(rollout, candidate)
    where = rollout.strategy.place(rollout, step)
    if rollout.baseline is not None:
        where += f", beside {rollout.label(rollout.baseline.revision)}"
    if rollout.paused:
        return Summary("Paused", f"{where}: {rollout.paused}")
    return Summary("Judging", f"{where}: {_detail(rollout, candidate)}")


def _taking_over(rollout: Rollout, candidate: ArmStatus) -> Summary:
    label = rollout.label(candidate.revision)
    if rollout.paused and has_all_traffic(rollout):
        return Summary("Paused", f"{label} has all traffic: {rollout.paused}")
    until = bakes_until(rollout)
    if until is not None and rollout.stable is not None:
        stays = f"{rollout.label(rollout.stable.revision)} stays warm until {stamp(until)}"
        return Summary("Baking", f"{label} has all traffic; {stays}")
    missing = candidate.ready_since is None
    why = pods(rollout, candidate, rollout.full_size) if missing else "waits until it carries all traffic"
    return Summary("Promoting", f"{label} takes over: {why}")


def _starting(rollout: Rollout, candidate: ArmStatus) -> Summary:
    if candidate.ready_since is None:
        return Summary("Starting", _awaited(rollout, candidate))
    label = rollout.label(candidate.revision)
    if rollout.paused:
        return Summary("Paused", f"{label} has no traffic yet: {rollout.paused}")
    until = parse(candidate.ready_since) + timedelta(seconds=rollout.spec.rollout.warm_up_seconds)
    if rollout.now < until:
        return Summary("WarmingUp", f"{label} warms up until {stamp(until)}")
    if rollout.analysis.blind_since is not None:
        return Summary(
            "WaitingForMetrics", f"{label} gets no traffic before it can be judged: {rollout.analysis.message}"
        )
    if rollout.traffic.status != "True":
        return Summary("WaitingForRoute", f"{label} is warm: {rollout.traffic.message}")
    return Summary("WarmingUp", f"{label} is warm and waits for its first traffic")


def _awaited(rollout: Rollout, candidate: ArmStatus) -> str:
    """The pods that are missing: of the candidate, or of its baseline."""
    if rollout.baseline is not None and baseline_is_missing(rollout):
        return pods(rollout, rollout.baseline, baseline_pods(rollout))
    return pods(rollout, candidate, max(least_pods(rollout), candidate_pods(rollout)))


def _detail(rollout: Rollout, candidate: ArmStatus) -> str:
    """Why it stands where it stands."""
    if candidate.ready_since is None:
        return f"waits for pods, {_awaited(rollout, candidate)}"
    if stands_in(rollout) and rollout.stable is not None:
        until = stamp(rollout.now + timedelta(seconds=seconds_left(rollout)))
        return (
            f"stands in for {rollout.label(rollout.stable.revision)}, and replaces it at {until} unless that recovers"
        )
    if rollout.analysis.blind_since is not None:
        brief, _, _ = rollout.analysis.message.partition("; the query was:")  # MetricsAvailable has it whole
        return brief if rollout.analysis.reason == SILENT else f"holds, because metrics cannot be read: {brief}"
    if not at_goal(rollout):
        return f"waits until {current_goal(rollout).weight} % are observed: {rollout.traffic.message}"
    if rollout.analysis.assessment is None:
        return "goes on by time alone" if not rollout.spec.analysis.metrics else "waits for the first window"
    return _opinion(rollout, rollout.analysis.assessment)


def _opinion(rollout: Rollout, assessment: Assessment) -> str:
    if assessment.outcome is Outcome.UNDECIDED:
        return _undecided(rollout) or assessment.message
    if assessment.outcome is Outcome.SAFE:
        return "proven safe, and stays its time at this weight"
    return f"holds: {assessment.message}"


def _undecided(rollout: Rollout) -> str:
    """The metrics that are still open, with what they need; those that need the same are named together."""
    needs: dict[str, list[str]] = {}
    for line in rollout.state.evidence:
        if line.verdict == "Undecided":
            needs.setdefault(line.until_decision or "", []).append(line.metric)
    return "; ".join(f"{', '.join(names)} undecided" + (f", {need}" if need else "") for need, names in needs.items())


def _draining(rollout: Rollout) -> Summary:
    parts = []
    for arm in rollout.retiring:
        label = rollout.label(arm.revision)
        if arm.weight > 0 or rollout.traffic.weights is None:
            parts.append(f"{label} still has {arm.weight} % observed")
        else:
            parts.append(f"{label} finishes its requests and is removed")
    return Summary("Draining", "; ".join(parts))
