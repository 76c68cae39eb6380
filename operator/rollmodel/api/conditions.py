"""Conditions as the Kubernetes API conventions define them. Pure; time is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, Message, Timestamp
from rollmodel.api.schema import keyed_by

__all__ = ["Condition", "Conditions", "find", "upsert"]


class Condition(ApiModel):
    """One aspect of an object's state. ``last_transition_time`` moves only when ``status`` flips."""

    type: Annotated[str, Field(max_length=316, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    """Name of the aspect."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    observed_generation: Annotated[int | None, Field(ge=0, le=2**53)] = None
    """Generation of the spec that this was said about."""
    last_transition_time: Timestamp
    """When `status` last changed."""
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    """Why, in one word for programs."""
    message: Message
    """Why, for people."""


#: The conditions of an object, unique by type.
Conditions = Annotated[list[Condition], Field(max_length=32), keyed_by("type")]


def find(conditions: Sequence[Condition], type_: str) -> Condition | None:
    """The condition of this type, or None."""
    return next((c for c in conditions if c.type == type_), None)


def upsert(
    conditions: Sequence[Condition],
    type_: str,
    status: Literal["True", "False", "Unknown"],
    reason: str,
    message: str,
    *,
    generation: int,
    now: str,
) -> list[Condition]:
    """The list with this condition set, in the place where its type stood; ``now`` is RFC 3339."""
    old = find(conditions, type_)
    if old is not None and (status, reason, message, generation) == (
        old.status,
        old.reason,
        old.message,
        old.observed_generation,
    ):
        return list(conditions)
    since = old.last_transition_time if old is not None and old.status == status else now
    new = Condition(
        type=type_,
        status=status,
        observed_generation=generation,
        last_transition_time=since,
        reason=reason,
        message=message,
    )
    if old is None:
        return [*conditions, new]
    return [new if c.type == type_ else c for c in conditions]
