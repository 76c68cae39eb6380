"""The way of a candidate, one function per state: start, warm up, carry weight, pause, take over.

Each takes the memory and returns the next one; the same memory means: nothing to do but wait. Every wait has an end:
a deadline for pods, a budget for steps, a policy for blindness, or a person (a pause).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from rollmodel.api.modeldeployment import ArmStatus, OnBlind, OnFailure, OnUndecided, Step
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.analysis.policy import label_delay
from rollmodel.plan.deployment.analysis.result import AnalysisResult
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.routers.weights import at_target, carried, first_pods, target
from rollmodel.plan.deployment.state import RolloutState, change
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.strategies import transitions
from rollmodel.plan.times import parse, stamp

__all__ = ["DWELL_TICKS", "FORCED", "advance", "forced", "pause_reason"]

#: Ticks at each weight before the next one, after its labels may have come: one to warm up, three to look.
DWELL_TICKS = 4

#: Begins the reason of a candidate whom a person promoted; the name of the field manager follows.
FORCED = "promoted by "


def advance(state: RolloutState, context: Context, analysis: AnalysisResult) -> RolloutState:
    """One move of the candidate."""
    candidate = state.candidate
    if candidate is None or candidate.step is None:
        return state
    if state.stable is None:
        return _install(state, context, candidate)
    if context.spec.scale.replicas == 0:
        return _with(state, candidate, step=-1, since=None, ready_since=None, reason=None)
    return _failed(state, context, analysis, candidate) or _advanced(state, context, analysis, candidate)


def _advanced(state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus) -> RolloutState:
    """The move that belongs to the candidate's step."""
    steps, index = context.spec.rollout.steps, -1 if candidate.step is None else candidate.step
    if index < 0:
        return _start(state, context, analysis, candidate)
    if candidate.reason is not None and index >= len(steps):
        return _take_over(state, context, candidate, candidate.reason)
    if index >= len(steps):
        return _enter(state, context, candidate, len(steps) - 1)
    if steps[index].pause:
        return _paused_step(state, context, candidate)
    return _weigh(state, context, analysis, candidate, steps[index])


def pause_reason(state: RolloutState) -> str | None:
    """The first word of why the rollout is paused: Command, ManualStep, Failure or Undecided."""
    return state.paused.partition(":")[0] if state.paused else None


def _install(state: RolloutState, context: Context, candidate: ArmStatus) -> RolloutState:
    """Nothing serves yet: one pod that answers is better than none."""
    ready = context.live.ready(candidate.revision)
    return transitions.install(state, context) if ready >= min(1, context.spec.scale.replicas) else state


def _failed(
    state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus
) -> RolloutState | None:
    """What ends a rollout in any state: pods that crash, proof of harm, blindness that lasted too long."""
    trouble = diagnose(context, candidate.revision)
    if trouble is not None and trouble.fatal:
        return transitions.roll_back(state, context, reason=trouble.reason, message=trouble.message, by="pods")
    if forced(candidate):
        return None
    if analysis.outcome(candidate.revision) in {Outcome.HARM, Outcome.CEILING}:
        return _harmful(state, context, analysis)
    if analysis.blind_since is not None and context.spec.rollout.on_blind is OnBlind.ROLL_BACK:
        blind_for = (context.now - analysis.blind_since).total_seconds()
        if blind_for >= context.spec.rollout.max_blind_seconds:
            message = f"no metrics for {blind_for:.0f} s: {analysis.message}"
            return transitions.roll_back(state, context, reason="Blind", message=message, by="blindness")
    return None


def _harmful(state: RolloutState, context: Context, analysis: AnalysisResult) -> RolloutState | None:
    assessment = analysis.assessment
    assert assessment is not None  # noqa: S101 - there is no proof of harm without an assessment
    if context.spec.rollout.on_failure is OnFailure.ROLL_BACK:
        return transitions.roll_back(
            state, context, reason=assessment.reason, message=assessment.message, by="evidence"
        )
    if pause_reason(state) == "Failure":
        return None
    return _pause(state, f"Failure: {assessment.reason}: {assessment.message}", "Warning")


def _start(state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus) -> RolloutState:
    """Pods come up, warm up, and the judge learns what normal is, before the first weight is given."""
    waiting = _waiting(state, context, candidate, context.live.ready(candidate.revision) >= first_pods(context.spec))
    if waiting is not None:
        return waiting
    warm = context.seconds_since(candidate.ready_since) >= context.spec.rollout.warm_up_seconds
    if not warm or state.paused or not _may_begin(state, context, analysis):
        return state
    return _enter(state, context, candidate, 0)


def _may_begin(state: RolloutState, context: Context, analysis: AnalysisResult) -> bool:
    """The first weight needs a judge, a split that is in force, and nobody else who still drains from the same pool."""
    ready = state.judge is not None or not context.spec.analysis.metrics
    alone = context.spec.traffic is not None or not state.retiring
    return ready and analysis.blind_since is None and context.traffic.status == "True" and alone


def _weigh(
    state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus, step: Step
) -> RolloutState:
    """At a weight: long enough, then on with proof, or what ``onUndecided`` says at the end of the budget."""
    enough = carried(state, context.spec, context.live) == target(state, context.spec)
    waiting = _waiting(state, context, candidate, enough)
    if waiting is not None:
        return waiting
    if state.paused or not at_target(state, context.spec) or not _dwelt(state, context, analysis, candidate, step):
        return state
    if not _is_judged(state, context):
        return _enter(state, context, candidate, _next(candidate), "StepsDone")
    if analysis.outcome(candidate.revision) is Outcome.SAFE:
        return _enter(state, context, candidate, _next(candidate), "ProvenSafe")
    over = step.max_seconds is not None and context.seconds_since(_at_weight_since(candidate)) >= step.max_seconds
    undecided = analysis.outcome(candidate.revision) is Outcome.UNDECIDED
    return _undecided(state, context, analysis, candidate) if over and undecided else state


def _is_judged(state: RolloutState, context: Context) -> bool:
    """Whether there are metrics; a judge that has begun stays, also when the last metric was taken out."""
    return state.judge is not None or bool(context.spec.analysis.metrics)


def _dwelt(state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus, step: Step) -> bool:
    """Whether this weight was held, and looked at, for as long as it must be."""
    since = _at_weight_since(candidate)
    if context.seconds_since(since) < (step.min_seconds or 0) or candidate.requests < (step.min_requests or 0):
        return False
    seen = analysis.seen_until if _is_judged(state, context) else context.now
    needed = timedelta(
        seconds=DWELL_TICKS * context.spec.analysis.interval_seconds + label_delay(context.spec.analysis)
    )
    return seen is not None and since is not None and seen - parse(since) >= needed


def _at_weight_since(candidate: ArmStatus) -> str | None:
    """When the step had begun and its weight was observed: times of one format sort as text."""
    times = [time for time in (candidate.since, candidate.weight_since) if time is not None]
    return max(times, default=None)


def _undecided(state: RolloutState, context: Context, analysis: AnalysisResult, candidate: ArmStatus) -> RolloutState:
    assessment = analysis.assessment
    why = assessment.message if assessment is not None else "no evidence"
    policy = context.spec.rollout.on_undecided
    if policy is OnUndecided.ROLL_BACK:
        return transitions.roll_back(state, context, reason="Undecided", message=f"time is up: {why}", by="deadline")
    if policy is OnUndecided.PROMOTE and assessment is not None and assessment.upper_limit_below_margin:
        return _enter(state, context, candidate, _next(candidate), "UpperLimitBelowMargin")
    return _pause(state, f"Undecided: time is up: {why}")


def _paused_step(state: RolloutState, context: Context, candidate: ArmStatus) -> RolloutState:
    """A step that waits for a person: whoever clears ``paused`` sends it on."""
    return state if state.paused else _enter(state, context, candidate, _next(candidate), "Resumed")


def _take_over(state: RolloutState, context: Context, candidate: ArmStatus, why: str) -> RolloutState:
    """The candidate grows to full size, takes everything, and only then becomes stable."""
    if state.paused:
        return state
    if context.traffic.weights == {candidate.revision: 100}:
        if forced(candidate):
            return transitions.promote(state, context, reason="Command", by=why.removeprefix(FORCED))
        resumed_by = state.last_command.by if state.last_command is not None else None
        by = {"StepsDone": "steps", "Resumed": resumed_by or "unknown"}.get(why, "evidence")
        return transitions.promote(state, context, reason=why, by=by)
    full = context.live.ready(candidate.revision) >= context.spec.scale.replicas
    return _waiting(state, context, candidate, full) or state


def _waiting(state: RolloutState, context: Context, candidate: ArmStatus, enough: bool) -> RolloutState | None:
    """While pods are missing the clock of the step starts anew and runs until the deadline. None once all are ready."""
    if enough:
        return None if candidate.ready_since else _with(state, candidate, ready_since=stamp(context.now))
    if candidate.ready_since or candidate.since is None:
        return _with(state, candidate, since=stamp(context.now), ready_since=None)
    if context.seconds_since(candidate.since) < context.spec.rollout.deadline_seconds:
        return state
    trouble = diagnose(context, candidate.revision)
    message = f"pods were not ready within {context.spec.rollout.deadline_seconds} s"
    if trouble is None:
        return transitions.roll_back(state, context, reason="DeadlineExceeded", message=message, by="deadline")
    return transitions.roll_back(
        state, context, reason=trouble.reason, message=f"{message}: {trouble.message}", by="deadline"
    )


def forced(candidate: ArmStatus) -> bool:
    """Whether a person promoted it, whatever the evidence says."""
    return candidate.reason is not None and candidate.reason.startswith(FORCED)


def _next(candidate: ArmStatus) -> int:
    return (-1 if candidate.step is None else candidate.step) + 1


def _enter(
    state: RolloutState, context: Context, candidate: ArmStatus, index: int, why: str | None = None
) -> RolloutState:
    """The next step begins; ``why`` it has earned it is remembered for the last one, which is taking over.

    Without a reason nothing is taken over: steps that were cut short meanwhile are no proof.
    """
    entered = _with(state, candidate, step=index, since=stamp(context.now), ready_since=None, requests=0)
    steps, label = context.spec.rollout.steps, context.label(candidate.revision)
    if index >= len(steps):
        promoting = _with(entered, candidate, step=index, since=stamp(context.now), ready_since=None, reason=why)
        return promoting.with_event("Normal", "Promoting", f"{label} has earned all traffic and grows to full size")
    if steps[index].pause:
        return _pause(entered, f"ManualStep: step {index + 1} of {len(steps)} waits for somebody to resume")
    message = f"{label} goes to {steps[index].weight} %, step {index + 1} of {len(steps)}"
    return entered.with_event("Normal", "StepEntered", message)


def _pause(state: RolloutState, why: str, kind: Literal["Normal", "Warning"] = "Normal") -> RolloutState:
    return replace(state, paused=why).with_event(kind, "Paused", why)


def _with(state: RolloutState, candidate: ArmStatus, **updates: object) -> RolloutState:
    return replace(state, candidate=change(candidate, **updates))
