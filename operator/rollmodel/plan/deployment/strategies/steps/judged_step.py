"""A step at a weight: it waits for pods, then it is judged, then :func:`next_move` says what comes next."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.modeldeployment import ArmStatus, Step
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.analysis.labels import label_delay
from rollmodel.plan.deployment.analysis.missing.silence import SILENT
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.deployment.strategies.ends import transitions
from rollmodel.plan.deployment.strategies.split import at_goal, carried, least_are_ready, mirrors_can_be_carried
from rollmodel.plan.deployment.strategies.steps import stages
from rollmodel.plan.deployment.strategies.steps.moves import DWELL_TICKS, PROOFS_OF_HARM, Move, StepView, next_move
from rollmodel.plan.deployment.strategies.steps.ramp import ExpectedHarm
from rollmodel.plan.times import parse

__all__ = ["hold", "is_silent", "leave_for_harm", "step_view", "until_held"]


def hold(rollout: Rollout, step: Step, harm: ExpectedHarm | None = None) -> Rollout:
    """At the weight of a step: long enough, then on with proof, or what ``onUndecided`` says at the end of its time.

    ``harm``: what is possible at larger weights, where the step is one of a ramp.
    """
    waiting = until_held(rollout)
    if waiting is not None:
        return waiting
    view = replace(step_view(rollout, step), harm=harm)
    return _carried_out(rollout, next_move(rollout.spec.rollout, view))


def until_held(rollout: Rollout) -> Rollout | None:
    """The wait for pods, and then for the weight to be observed; None once it is held."""
    goal = current_goal(rollout)
    enough = carried(rollout) == goal.weight if goal.weight else mirrors_can_be_carried(rollout)
    if goal.sized_for > goal.weight:  # a step that asks for more pods than its weight takes has them first
        enough = enough and mirrors_can_be_carried(rollout) and least_are_ready(rollout)
    waiting = stages.wait_for_pods(rollout, enough=enough)
    if waiting is not None:
        return waiting
    return None if at_goal(rollout) else rollout


def leave_for_harm(rollout: Rollout) -> Rollout | None:
    """The end, or the pause, that a proof of harm asks for in any state; None where it is paused for it already."""
    candidate = stages.candidate_of(rollout)
    view = StepView(rollout.analysis.outcome(candidate.revision), stages.pause_reason(rollout))
    move = next_move(rollout.spec.rollout, view)
    return None if move.kind == "Stay" else _carried_out(rollout, move)


def is_silent(rollout: Rollout) -> bool:
    """Whether the candidate answers nothing, though it has traffic."""
    return rollout.analysis.reason == SILENT


def step_view(rollout: Rollout, step: Step) -> StepView:
    """What is known about the candidate at a step."""
    candidate = stages.candidate_of(rollout)
    outcome, analysis = rollout.analysis.outcome(candidate.revision), rollout.spec.analysis
    since = _at_weight_since(candidate)
    judged = rollout.state.judge is not None or bool(analysis.metrics)
    judged_until = rollout.analysis.seen_until if judged else rollout.now
    assessment = rollout.analysis.assessment
    return StepView(
        # Proof of harm has moved the candidate before, unless a person has overruled it.
        outcome=Outcome.NO_DATA if outcome in PROOFS_OF_HARM else outcome,
        pause=stages.pause_reason(rollout),
        step=step,
        seconds=rollout.seconds_since(since),
        judged_seconds=(judged_until - parse(since)).total_seconds() if judged_until and since else 0.0,
        least_judged_seconds=DWELL_TICKS * analysis.interval_seconds + label_delay(analysis),
        requests=candidate.requests,
        below_margin=lambda: assessment is not None and assessment.upper_limit_below_margin,
        judged=judged,
        silent=is_silent(rollout),
    )


def _at_weight_since(candidate: ArmStatus) -> str | None:
    """When the step had begun and its weight was observed: times of one format sort as text."""
    times = [time for time in (candidate.since, candidate.weight_since) if time is not None]
    return max(times, default=None)


def _carried_out(rollout: Rollout, move: Move) -> Rollout:
    assessment = rollout.analysis.assessment
    why = assessment.message if assessment is not None else "no evidence"
    if is_silent(rollout):
        why = rollout.analysis.message
    match move.kind:
        case "Stay":
            return rollout
        case "Advance":
            return stages.enter(rollout, stages.step_of(rollout) + move.steps, move.reason)
        case "RollBack" if move.reason == "Undecided":
            word = SILENT if is_silent(rollout) else "Undecided"
            message = f"time is up: {why}"
            return transitions.roll_back(rollout, reason=word, message=message, by="deadline", blamed=False)
        case "RollBack":
            reason = assessment.reason if assessment is not None else move.reason
            return transitions.roll_back(rollout, reason=reason, message=why, by="evidence")
        case "Pause" if move.reason == "Undecided":
            return stages.pause(rollout, f"Undecided: time is up: {why}")
        case "Pause":
            reason = assessment.reason if assessment is not None else move.reason
            return stages.pause(rollout, f"Failure: {reason}: {why}", "Warning")
