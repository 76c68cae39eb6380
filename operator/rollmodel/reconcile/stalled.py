"""The decision about an object that cannot be acted upon: say so in its conditions, and touch nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from rollmodel.api.conditions import Condition, find, upsert
from rollmodel.plan.decision import Decision
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import stamp

__all__ = ["Outcome", "explain", "stalled"]

#: The condition that says what became of an object.
Outcome = Literal["Ready", "Succeeded"]

#: Of a message that lists what is wrong, so many problems are shown.
_SHOWN = 5


def stalled(
    body: Manifest,
    reason: str,
    message: str,
    *,
    now: datetime,
    unknown: Outcome | None = None,
) -> Decision:
    """``Stalled=True``, and the condition ``unknown`` as ``Unknown``. The rest of the status stays as it is."""
    status: dict[str, Any] = dict(body.get("status", {}))
    generation, moment = body["metadata"]["generation"], stamp(now)
    conditions = [Condition.model_validate(condition) for condition in status.get("conditions", [])]

    def put(kind: str, value: Literal["True", "False", "Unknown"]) -> None:
        nonlocal conditions
        conditions = upsert(conditions, kind, value, reason, message, generation=generation, now=moment)

    put("Stalled", "True")
    if find(conditions, "Reconciling") is not None:
        put("Reconciling", "False")
    if unknown is not None:
        put(unknown, "Unknown")
    status["observedGeneration"] = generation
    status["conditions"] = [condition.to_wire() for condition in conditions]
    return Decision(status)


def explain(error: ValidationError) -> str:
    """What is wrong with a spec, one problem per line: ``spec.rollout.steps.0: message``."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"spec.{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in problems]
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*lines[:_SHOWN], *more])
