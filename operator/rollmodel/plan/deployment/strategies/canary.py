"""The way of a candidate, one function per state: start, warm up, carry weight, pause, take over.

Each takes the memory and returns the next one; the same memory means: nothing to do but wait. Every wait has an end:
a deadline for pods, a budget for steps, a policy for blindness, or a person (a pause).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from rollmodel.api.modeldeployment import ArmStatus, OnBlind, OnFailure, OnUndecided, Step
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.analysis.policy import label_delay
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.weights import at_target, carried, first_pods, target
from rollmodel.plan.deployment.state import change
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.strategies import transitions
from rollmodel.plan.times import parse, stamp

__all__ = ["DWELL_TICKS", "FORCED", "advance", "forced", "pause_reason"]

#: Ticks at each weight before the next one, after its labels may have come: one to warm up, three to look.
DWELL_TICKS = 4

#: Begins the reason of a candidate whom a person promoted; the name of the field manager follows.
FORCED = "promoted by "


def advance(rollout: Rollout) -> Rollout:
    """One move of the candidate."""
    candidate = rollout.candidate
    if candidate is None or candidate.step is None:
        return rollout
    if rollout.stable is None:
        return _install(rollout, candidate)
    if rollout.full_size == 0:
        return _with(rollout, candidate, step=-1, since=None, ready_since=None, reason=None)
    return _failed(rollout, candidate) or _advanced(rollout, candidate)


def _advanced(rollout: Rollout, candidate: ArmStatus) -> Rollout:
    """The move that belongs to the candidate's step."""
    steps, index = rollout.spec.rollout.steps, -1 if candidate.step is None else candidate.step
    if index < 0:
        return _start(rollout, candidate)
    if candidate.reason is not None and index >= len(steps):
        return _take_over(rollout, candidate, candidate.reason)
    if index >= len(steps):
        return _enter(rollout, candidate, len(steps) - 1)
    if steps[index].pause:
        return _paused_step(rollout, candidate)
    return _weigh(rollout, candidate, steps[index])


def pause_reason(rollout: Rollout) -> str | None:
    """The first word of why the rollout is paused: Command, ManualStep, Failure or Undecided."""
    return rollout.paused.partition(":")[0] if rollout.paused else None


def _install(rollout: Rollout, candidate: ArmStatus) -> Rollout:
    """Nothing serves yet: one pod that answers is better than none."""
    ready = rollout.live.ready(candidate.revision)
    return transitions.install(rollout) if ready >= min(1, rollout.full_size) else rollout


def _failed(rollout: Rollout, candidate: ArmStatus) -> Rollout | None:
    """What ends a rollout in any state: pods that crash, proof of harm, blindness that lasted too long."""
    trouble = diagnose(rollout.context, candidate.revision)
    if trouble is not None and trouble.fatal:
        return transitions.roll_back(rollout, reason=trouble.reason, message=trouble.message, by="pods")
    if forced(candidate):
        return None
    if rollout.analysis.outcome(candidate.revision) in {Outcome.HARM, Outcome.CEILING}:
        return _harmful(rollout)
    if rollout.analysis.blind_since is not None and rollout.spec.rollout.on_blind is OnBlind.ROLL_BACK:
        blind_for = (rollout.now - rollout.analysis.blind_since).total_seconds()
        if blind_for >= rollout.spec.rollout.max_blind_seconds:
            message = f"no metrics for {blind_for:.0f} s: {rollout.analysis.message}"
            return transitions.roll_back(rollout, reason="Blind", message=message, by="blindness")
    return None


def _harmful(rollout: Rollout) -> Rollout | None:
    assessment = rollout.analysis.assessment
    assert assessment is not None  # noqa: S101 - there is no proof of harm without an assessment
    if rollout.spec.rollout.on_failure is OnFailure.ROLL_BACK:
        return transitions.roll_back(rollout, reason=assessment.reason, message=assessment.message, by="evidence")
    if pause_reason(rollout) == "Failure":
        return None
    return _pause(rollout, f"Failure: {assessment.reason}: {assessment.message}", "Warning")


def _start(rollout: Rollout, candidate: ArmStatus) -> Rollout:
    """Pods come up, warm up, and the judge learns what normal is, before the first weight is given."""
    waiting = _waiting(rollout, candidate, rollout.live.ready(candidate.revision) >= first_pods(rollout))
    if waiting is not None:
        return waiting
    warm = rollout.seconds_since(candidate.ready_since) >= rollout.spec.rollout.warm_up_seconds
    if not warm or rollout.paused or not _may_begin(rollout):
        return rollout
    return _enter(rollout, candidate, 0)


def _may_begin(rollout: Rollout) -> bool:
    """The first weight needs a judge, a split that is in force, and nobody else who still drains from the same pool."""
    ready = rollout.state.judge is not None or not rollout.spec.analysis.metrics
    alone = not rollout.router.capabilities.others_must_drain or not rollout.retiring
    return ready and rollout.analysis.blind_since is None and rollout.traffic.status == "True" and alone


def _weigh(rollout: Rollout, candidate: ArmStatus, step: Step) -> Rollout:
    """At a weight: long enough, then on with proof, or what ``onUndecided`` says at the end of the budget."""
    enough = carried(rollout) == target(rollout)
    waiting = _waiting(rollout, candidate, enough)
    if waiting is not None:
        return waiting
    if rollout.paused or not at_target(rollout) or not _dwelt(rollout, candidate, step):
        return rollout
    if not _is_judged(rollout):
        return _enter(rollout, candidate, _next(candidate), "StepsDone")
    if rollout.analysis.outcome(candidate.revision) is Outcome.SAFE:
        return _enter(rollout, candidate, _next(candidate), "ProvenSafe")
    over = step.max_seconds is not None and rollout.seconds_since(_at_weight_since(candidate)) >= step.max_seconds
    undecided = rollout.analysis.outcome(candidate.revision) is Outcome.UNDECIDED
    return _undecided(rollout, candidate) if over and undecided else rollout


def _is_judged(rollout: Rollout) -> bool:
    """Whether there are metrics; a judge that has begun stays, also when the last metric was taken out."""
    return rollout.state.judge is not None or bool(rollout.spec.analysis.metrics)


def _dwelt(rollout: Rollout, candidate: ArmStatus, step: Step) -> bool:
    """Whether this weight was held, and looked at, for as long as it must be."""
    since = _at_weight_since(candidate)
    if rollout.seconds_since(since) < (step.min_seconds or 0) or candidate.requests < (step.min_requests or 0):
        return False
    seen = rollout.analysis.seen_until if _is_judged(rollout) else rollout.now
    needed = timedelta(
        seconds=DWELL_TICKS * rollout.spec.analysis.interval_seconds + label_delay(rollout.spec.analysis)
    )
    return seen is not None and since is not None and seen - parse(since) >= needed


def _at_weight_since(candidate: ArmStatus) -> str | None:
    """When the step had begun and its weight was observed: times of one format sort as text."""
    times = [time for time in (candidate.since, candidate.weight_since) if time is not None]
    return max(times, default=None)


def _undecided(rollout: Rollout, candidate: ArmStatus) -> Rollout:
    assessment = rollout.analysis.assessment
    why = assessment.message if assessment is not None else "no evidence"
    policy = rollout.spec.rollout.on_undecided
    if policy is OnUndecided.ROLL_BACK:
        return transitions.roll_back(rollout, reason="Undecided", message=f"time is up: {why}", by="deadline")
    if policy is OnUndecided.PROMOTE and assessment is not None and assessment.upper_limit_below_margin:
        return _enter(rollout, candidate, _next(candidate), "UpperLimitBelowMargin")
    return _pause(rollout, f"Undecided: time is up: {why}")


def _paused_step(rollout: Rollout, candidate: ArmStatus) -> Rollout:
    """A step that waits for a person: whoever clears ``paused`` sends it on."""
    return rollout if rollout.paused else _enter(rollout, candidate, _next(candidate), "Resumed")


def _take_over(rollout: Rollout, candidate: ArmStatus, why: str) -> Rollout:
    """The candidate grows to full size, takes everything, and only then becomes stable."""
    if rollout.paused:
        return rollout
    if rollout.traffic.weights == {candidate.revision: 100}:
        if forced(candidate):
            return transitions.promote(rollout, reason="Command", by=why.removeprefix(FORCED))
        resumed_by = rollout.state.last_command.by if rollout.state.last_command is not None else None
        by = {"StepsDone": "steps", "Resumed": resumed_by or "unknown"}.get(why, "evidence")
        return transitions.promote(rollout, reason=why, by=by)
    full = rollout.live.ready(candidate.revision) >= rollout.full_size
    return _waiting(rollout, candidate, full) or rollout


def _waiting(rollout: Rollout, candidate: ArmStatus, enough: bool) -> Rollout | None:
    """While pods are missing the clock of the step starts anew and runs until the deadline. None once all are ready."""
    if enough:
        return None if candidate.ready_since else _with(rollout, candidate, ready_since=stamp(rollout.now))
    if candidate.ready_since or candidate.since is None:
        return _with(rollout, candidate, since=stamp(rollout.now), ready_since=None)
    if rollout.seconds_since(candidate.since) < rollout.spec.rollout.deadline_seconds:
        return rollout
    trouble = diagnose(rollout.context, candidate.revision)
    message = f"pods were not ready within {rollout.spec.rollout.deadline_seconds} s"
    if trouble is None:
        return transitions.roll_back(rollout, reason="DeadlineExceeded", message=message, by="deadline")
    return transitions.roll_back(rollout, reason=trouble.reason, message=f"{message}: {trouble.message}", by="deadline")


def forced(candidate: ArmStatus) -> bool:
    """Whether a person promoted it, whatever the evidence says."""
    return candidate.reason is not None and candidate.reason.startswith(FORCED)


def _next(candidate: ArmStatus) -> int:
    return (-1 if candidate.step is None else candidate.step) + 1


def _enter(rollout: Rollout, candidate: ArmStatus, index: int, why: str | None = None) -> Rollout:
    """The next step begins; ``why`` it has earned it is remembered for the last one, which is taking over.

    Without a reason nothing is taken over: steps that were cut short meanwhile are no proof.
    """
    entered = _with(rollout, candidate, step=index, since=stamp(rollout.now), ready_since=None, requests=0)
    steps, label = rollout.spec.rollout.steps, rollout.label(candidate.revision)
    if index >= len(steps):
        promoting = _with(entered, candidate, step=index, since=stamp(rollout.now), ready_since=None, reason=why)
        return promoting.with_event("Normal", "Promoting", f"{label} has earned all traffic and grows to full size")
    if steps[index].pause:
        return _pause(entered, f"ManualStep: step {index + 1} of {len(steps)} waits for somebody to resume")
    message = f"{label} goes to {steps[index].weight} %, step {index + 1} of {len(steps)}"
    return entered.with_event("Normal", "StepEntered", message)


def _pause(rollout: Rollout, why: str, kind: Literal["Normal", "Warning"] = "Normal") -> Rollout:
    return rollout.with_state(paused=why).with_event(kind, "Paused", why)


def _with(rollout: Rollout, candidate: ArmStatus, **updates: object) -> Rollout:
    return rollout.with_state(candidate=change(candidate, **updates))
