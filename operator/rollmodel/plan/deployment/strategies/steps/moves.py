"""The next move of a candidate under a policy. The operator and ``rollmodel backtest`` run this same function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rollmodel.api.modeldeployment import OnFailure, OnUndecided, Step
from rollmodel.api.modeldeployment import Rollout as Policy
from rollmodel.evidence.core.types import Outcome
from rollmodel.plan.deployment.strategies.steps.ramp import ExpectedHarm, climb

__all__ = ["DWELL_TICKS", "PROOFS_OF_HARM", "STAY", "Move", "StepView", "next_move"]

#: Ticks at each weight before the next one, after its labels may have come: one to warm up, three to judge.
DWELL_TICKS = 4

PROOFS_OF_HARM = frozenset({Outcome.HARM, Outcome.CEILING})


@dataclass(frozen=True, slots=True)
class StepView:
    """What is known about a candidate when it may move.

    ``pause`` is why it is paused, in one word. ``step`` is the step whose weight it has, None while it has none of its
    own. The rest is about that step: ``seconds`` since the weight is in force, ``judged_seconds`` from then to the end
    of the last window that was judged, and how many of these there must be; ``requests`` that the candidate answered.
    ``below_margin`` answers whether the interval of every metric lies below the safe margin. ``judged``: there are
    metrics. ``silent``: it answers nothing although it has traffic. ``harm``: what it may do at larger weights, where
    the step is one of a ramp.
    """

    outcome: Outcome
    pause: str | None
    step: Step | None = None
    seconds: float = 0.0
    judged_seconds: float = 0.0
    least_judged_seconds: float = 0.0
    requests: float = 0.0
    below_margin: Callable[[], bool] = bool
    judged: bool = True
    silent: bool = False
    harm: ExpectedHarm | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What a candidate does next, and why: a word for programs. ``steps``: how many it goes on."""

    kind: Literal["Stay", "Advance", "RollBack", "Pause"]
    reason: str = ""
    steps: int = 1


STAY = Move("Stay")


def next_move(policy: Policy, view: StepView) -> Move:
    """Proof of harm moves at any time; else a step is held for its time, and then left with proof or by the policy."""
    if view.outcome in PROOFS_OF_HARM:
        if policy.on_failure is OnFailure.ROLL_BACK:
            return Move("RollBack", "Failure")
        return Move("Pause", "Failure") if view.pause != "Failure" else STAY
    if view.step is None or view.pause is not None:
        return STAY
    if view.silent or view.outcome is Outcome.BIASED_SPLIT:
        return _without_comparison(policy, view, view.step)
    return _judged(policy, view, view.step) if _was_held(view, view.step) else STAY


def _judged(policy: Policy, view: StepView, step: Step) -> Move:
    """A step that was held for its time: on with proof, or without metrics; at the end of its time by the policy."""
    if not view.judged:
        return Move("Advance", "StepsDone")
    further = _climbs(policy, view, step)
    if further:
        return Move("Advance", "HarmBounded", further)
    if view.outcome is Outcome.SAFE:
        return Move("Advance", "ProvenSafe")
    return _undecided(policy, view) if _time_is_up(view, step) and view.outcome is Outcome.UNDECIDED else STAY


def _climbs(policy: Policy, view: StepView, step: Step) -> int:
    """How many steps a ramp goes on, as long as nothing is wrong."""
    if view.harm is None or view.outcome not in {Outcome.SAFE, Outcome.UNDECIDED}:
        return 0
    return climb(policy, step.weight or 0, view.harm)


def _without_comparison(policy: Policy, view: StepView, step: Step) -> Move:
    """Nothing more will be known of a candidate that is silent, or gets another share than asked for.

    Its step ends with its time, whatever it must have answered by then, and never well.
    """
    if not _time_is_up(view, step):
        return STAY
    return Move("RollBack" if policy.on_undecided is OnUndecided.ROLL_BACK else "Pause", "Undecided")


def _time_is_up(view: StepView, step: Step) -> bool:
    return step.max_seconds is not None and view.seconds >= step.max_seconds


def _was_held(view: StepView, step: Step) -> bool:
    """Whether the weight was held, and judged, for as long as it must be."""
    return (
        view.seconds >= (step.min_seconds or 0)
        and view.requests >= (step.min_requests or 0)
        and view.judged_seconds >= view.least_judged_seconds
    )


def _undecided(policy: Policy, view: StepView) -> Move:
    """What an undecided step does at the end of its time."""
    if policy.on_undecided is OnUndecided.ROLL_BACK:
        return Move("RollBack", "Undecided")
    if policy.on_undecided is OnUndecided.PROMOTE and view.below_margin():
        return Move("Advance", "UpperLimitBelowMargin")
    return Move("Pause", "Undecided")
