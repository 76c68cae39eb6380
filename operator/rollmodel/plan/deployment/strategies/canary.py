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
from rollmodel.plan.deployment.analysis.result import Sight
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.routers.weights import at_target, carried, first_pods, target
from rollmodel.plan.deployment.state import Memory, change
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.strategies import transitions
from rollmodel.plan.times import parse, stamp

__all__ = ["DWELL_TICKS", "FORCED", "forced", "go_on", "pause_reason"]

#: Ticks at each weight before the next one, after its labels may have come: one to warm up, three to look.
DWELL_TICKS = 4

#: Begins the reason of a candidate whom a person promoted; the name of the field manager follows.
FORCED = "promoted by "


def go_on(memory: Memory, look: Look, sight: Sight) -> Memory:
    """One move of the candidate."""
    candidate = memory.candidate
    if candidate is None or candidate.step is None:
        return memory
    if memory.stable is None:
        return _install(memory, look, candidate)
    if look.spec.scale.replicas == 0:
        return _with(memory, candidate, step=-1, since=None, ready_since=None, reason=None)
    return _failed(memory, look, sight, candidate) or _advanced(memory, look, sight, candidate)


def _advanced(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus) -> Memory:
    """The move that belongs to the candidate's step."""
    steps, index = look.spec.rollout.steps, -1 if candidate.step is None else candidate.step
    if index < 0:
        return _start(memory, look, sight, candidate)
    if candidate.reason is not None and index >= len(steps):
        return _take_over(memory, look, candidate, candidate.reason)
    if index >= len(steps):
        return _enter(memory, look, candidate, len(steps) - 1)
    if steps[index].pause:
        return _paused_step(memory, look, candidate)
    return _weigh(memory, look, sight, candidate, steps[index])


def pause_reason(memory: Memory) -> str | None:
    """The first word of why the rollout is paused: Command, ManualStep, Failure or Undecided."""
    return memory.paused.partition(":")[0] if memory.paused else None


def _install(memory: Memory, look: Look, candidate: ArmStatus) -> Memory:
    """Nothing serves yet: one pod that answers is better than none."""
    ready = look.world.ready(candidate.revision)
    return transitions.install(memory, look) if ready >= min(1, look.spec.scale.replicas) else memory


def _failed(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus) -> Memory | None:
    """What ends a rollout in any state: pods that crash, proof of harm, blindness that lasted too long."""
    trouble = diagnose(look, candidate.revision)
    if trouble is not None and trouble.fatal:
        return transitions.roll_back(memory, look, reason=trouble.reason, message=trouble.message, by="pods")
    if forced(candidate):
        return None
    if sight.outcome(candidate.revision) in {Outcome.HARM, Outcome.CEILING}:
        return _harmful(memory, look, sight)
    if sight.blind_since is not None and look.spec.rollout.on_blind is OnBlind.ROLL_BACK:
        blind_for = (look.now - sight.blind_since).total_seconds()
        if blind_for >= look.spec.rollout.max_blind_seconds:
            message = f"no metrics for {blind_for:.0f} s: {sight.message}"
            return transitions.roll_back(memory, look, reason="Blind", message=message, by="blindness")
    return None


def _harmful(memory: Memory, look: Look, sight: Sight) -> Memory | None:
    assessment = sight.assessment
    assert assessment is not None  # noqa: S101 - there is no proof of harm without an assessment
    if look.spec.rollout.on_failure is OnFailure.ROLL_BACK:
        return transitions.roll_back(memory, look, reason=assessment.reason, message=assessment.message, by="evidence")
    if pause_reason(memory) == "Failure":
        return None
    return _pause(memory, f"Failure: {assessment.reason}: {assessment.message}", "Warning")


def _start(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus) -> Memory:
    """Pods come up, warm up, and the judge learns what normal is, before the first weight is given."""
    waiting = _waiting(memory, look, candidate, look.world.ready(candidate.revision) >= first_pods(look.spec))
    if waiting is not None:
        return waiting
    warm = look.seconds_since(candidate.ready_since) >= look.spec.rollout.warm_up_seconds
    if not warm or memory.paused or not _may_begin(memory, look, sight):
        return memory
    return _enter(memory, look, candidate, 0)


def _may_begin(memory: Memory, look: Look, sight: Sight) -> bool:
    """The first weight needs a judge, a split that is in force, and nobody else who still drains from the same pool."""
    ready = memory.judge is not None or not look.spec.analysis.metrics
    alone = look.spec.traffic is not None or not memory.retiring
    return ready and sight.blind_since is None and look.traffic.status == "True" and alone


def _weigh(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus, step: Step) -> Memory:
    """At a weight: long enough, then on with proof, or what ``onUndecided`` says at the end of the budget."""
    enough = carried(memory, look.spec, look.world) == target(memory, look.spec)
    waiting = _waiting(memory, look, candidate, enough)
    if waiting is not None:
        return waiting
    if memory.paused or not at_target(memory, look.spec) or not _dwelt(memory, look, sight, candidate, step):
        return memory
    if not _is_judged(memory, look):
        return _enter(memory, look, candidate, _next(candidate), "StepsDone")
    if sight.outcome(candidate.revision) is Outcome.SAFE:
        return _enter(memory, look, candidate, _next(candidate), "ProvenSafe")
    over = step.max_seconds is not None and look.seconds_since(_at_weight_since(candidate)) >= step.max_seconds
    undecided = sight.outcome(candidate.revision) is Outcome.UNDECIDED
    return _undecided(memory, look, sight, candidate) if over and undecided else memory


def _is_judged(memory: Memory, look: Look) -> bool:
    """Whether there are metrics; a judge that has begun stays, also when the last metric was taken out."""
    return memory.judge is not None or bool(look.spec.analysis.metrics)


def _dwelt(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus, step: Step) -> bool:
    """Whether this weight was held, and looked at, for as long as it must be."""
    since = _at_weight_since(candidate)
    if look.seconds_since(since) < (step.min_seconds or 0) or candidate.requests < (step.min_requests or 0):
        return False
    seen = sight.seen_until if _is_judged(memory, look) else look.now
    needed = timedelta(seconds=DWELL_TICKS * look.spec.analysis.interval_seconds + label_delay(look.spec.analysis))
    return seen is not None and since is not None and seen - parse(since) >= needed


def _at_weight_since(candidate: ArmStatus) -> str | None:
    """When the step had begun and its weight was observed: times of one format sort as text."""
    times = [time for time in (candidate.since, candidate.weight_since) if time is not None]
    return max(times, default=None)


def _undecided(memory: Memory, look: Look, sight: Sight, candidate: ArmStatus) -> Memory:
    assessment = sight.assessment
    why = assessment.message if assessment is not None else "no evidence"
    policy = look.spec.rollout.on_undecided
    if policy is OnUndecided.ROLL_BACK:
        return transitions.roll_back(memory, look, reason="Undecided", message=f"time is up: {why}", by="deadline")
    if policy is OnUndecided.PROMOTE and assessment is not None and assessment.upper_limit_below_margin:
        return _enter(memory, look, candidate, _next(candidate), "UpperLimitBelowMargin")
    return _pause(memory, f"Undecided: time is up: {why}")


def _paused_step(memory: Memory, look: Look, candidate: ArmStatus) -> Memory:
    """A step that waits for a person: whoever clears ``paused`` sends it on."""
    return memory if memory.paused else _enter(memory, look, candidate, _next(candidate), "Resumed")


def _take_over(memory: Memory, look: Look, candidate: ArmStatus, why: str) -> Memory:
    """The candidate grows to full size, takes everything, and only then becomes stable."""
    if memory.paused:
        return memory
    if look.traffic.weights == {candidate.revision: 100}:
        if forced(candidate):
            return transitions.promote(memory, look, reason="Command", by=why.removeprefix(FORCED))
        resumed_by = memory.last_command.by if memory.last_command is not None else None
        by = {"StepsDone": "steps", "Resumed": resumed_by or "unknown"}.get(why, "evidence")
        return transitions.promote(memory, look, reason=why, by=by)
    full = look.world.ready(candidate.revision) >= look.spec.scale.replicas
    return _waiting(memory, look, candidate, full) or memory


def _waiting(memory: Memory, look: Look, candidate: ArmStatus, enough: bool) -> Memory | None:
    """While pods are missing the clock of the step starts anew and runs until the deadline. None once all are ready."""
    if enough:
        return None if candidate.ready_since else _with(memory, candidate, ready_since=stamp(look.now))
    if candidate.ready_since or candidate.since is None:
        return _with(memory, candidate, since=stamp(look.now), ready_since=None)
    if look.seconds_since(candidate.since) < look.spec.rollout.deadline_seconds:
        return memory
    trouble = diagnose(look, candidate.revision)
    message = f"pods were not ready within {look.spec.rollout.deadline_seconds} s"
    if trouble is None:
        return transitions.roll_back(memory, look, reason="DeadlineExceeded", message=message, by="deadline")
    return transitions.roll_back(
        memory, look, reason=trouble.reason, message=f"{message}: {trouble.message}", by="deadline"
    )


def forced(candidate: ArmStatus) -> bool:
    """Whether a person promoted it, whatever the evidence says."""
    return candidate.reason is not None and candidate.reason.startswith(FORCED)


def _next(candidate: ArmStatus) -> int:
    return (-1 if candidate.step is None else candidate.step) + 1


def _enter(memory: Memory, look: Look, candidate: ArmStatus, index: int, why: str | None = None) -> Memory:
    """The next step begins; ``why`` it has earned it is remembered for the last one, which is taking over.

    Without a reason nothing is taken over: steps that were cut short meanwhile are no proof.
    """
    entered = _with(memory, candidate, step=index, since=stamp(look.now), ready_since=None, requests=0)
    steps, label = look.spec.rollout.steps, look.label(candidate.revision)
    if index >= len(steps):
        promoting = _with(entered, candidate, step=index, since=stamp(look.now), ready_since=None, reason=why)
        return promoting.saying("Normal", "Promoting", f"{label} has earned all traffic and grows to full size")
    if steps[index].pause:
        return _pause(entered, f"ManualStep: step {index + 1} of {len(steps)} waits for somebody to resume")
    message = f"{label} goes to {steps[index].weight} %, step {index + 1} of {len(steps)}"
    return entered.saying("Normal", "StepEntered", message)


def _pause(memory: Memory, why: str, kind: Literal["Normal", "Warning"] = "Normal") -> Memory:
    return replace(memory, paused=why).saying(kind, "Paused", why)


def _with(memory: Memory, candidate: ArmStatus, **updates: object) -> Memory:
    return replace(memory, candidate=change(candidate, **updates))
