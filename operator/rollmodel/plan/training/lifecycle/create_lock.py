"""Claims: of all operators that are alive at once, one creates a run or a version, whose ids the server makes."""

from __future__ import annotations

from typing import Literal

from rollmodel.api.trainingjob import Claim
from rollmodel.plan.decision import CreateRun, CreateVersion
from rollmodel.plan.times import parse, stamp
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import Look
from rollmodel.plan.training.observed import Problem

__all__ = ["CLAIM_SECONDS", "RETRY_SECONDS", "create", "hindered"]

#: A claim that is younger is somebody's: no request takes longer than this.
CLAIM_SECONDS = 30.0

#: When to ask a neighbour again that could not answer.
RETRY_SECONDS = 15.0
_PERSON_SECONDS = 60.0
_LOOK_SECONDS = 1.0


def create(look: Look, draft: Draft, what: Literal["Run", "Version"], write: CreateRun | CreateVersion) -> Draft:
    """Create it, if nobody else may be doing so at this moment. It was looked for, and is not there."""
    doing = f"Creating{what}"
    age = _age(look)
    if age is not None and age < CLAIM_SECONDS:
        message = f"the {what.lower()} is being created"
        return draft.waiting(doing, message, seconds=min(CLAIM_SECONDS - age, 2.0))
    claimed = draft.noting(claim=Claim(what=what, since=stamp(look.now)))
    return claimed.telling(write).waiting(doing, f"creating the {what.lower()}", seconds=_LOOK_SECONDS)


def hindered(draft: Draft, problem: Problem, doing: str) -> Draft:
    """Halted by a neighbour that cannot answer, or says no."""
    message = f"{doing}: {problem.message}"
    if problem.transient:
        return draft.waiting("TrackingUnavailable", message, seconds=RETRY_SECONDS)
    return draft.needing_person(problem.reason, message, seconds=_PERSON_SECONDS)


def _age(look: Look) -> float | None:
    """Seconds since the claim; None without one, and for one from a clock that is far ahead of ours."""
    if look.status.claim is None:
        return None
    age = (look.now - parse(look.status.claim.since)).total_seconds()
    return max(0.0, age) if age > -CLAIM_SECONDS else None
