"""Claims: of all operators that are alive at once, one creates a run or a version, whose ids the server makes."""

from __future__ import annotations

from typing import Literal

from rollmodel.api.trainingjob import Claim
from rollmodel.plan.decision import CreateRun, CreateVersion
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import parse, stamp
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context

__all__ = ["create", "hindered"]

_LOOK_SECONDS = 1.0


def create(
    context: Context, builder: DecisionBuilder, what: Literal["Run", "Version"], write: CreateRun | CreateVersion
) -> DecisionBuilder:
    """Create it, unless another operator may be doing so now. A search has not found it."""
    doing = f"Creating{what}"
    age = _age(context)
    if age is not None and age < context.timing.claim:  # a younger claim is in use: no request takes longer than this
        message = f"the {what.lower()} is being created"
        return builder.await_tracking(doing, message, seconds=min(context.timing.claim - age, 2.0))
    claimed = builder.set(claim=Claim(what=what, since=stamp(context.now)))
    return claimed.effect(write).await_tracking(doing, f"creating the {what.lower()}", seconds=_LOOK_SECONDS)


def hindered(context: Context, builder: DecisionBuilder, problem: Problem, doing: str) -> DecisionBuilder:
    """Halted by a neighbour that cannot answer, or refuses."""
    message = f"{doing}: {problem.message}"
    if problem.transient:
        return builder.await_tracking("TrackingUnavailable", message, seconds=context.timing.retry)
    return builder.stall(problem.reason, message, seconds=context.timing.person)


def _age(context: Context) -> float | None:
    """Seconds since the claim; None without one, and for one from a clock that is far ahead of ours."""
    if context.status.claim is None:
        return None
    age = (context.now - parse(context.status.claim.since)).total_seconds()
    return max(0.0, age) if age > -context.timing.claim else None
