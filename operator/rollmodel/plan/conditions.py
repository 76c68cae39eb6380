"""Conditions before they are dated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rollmodel.api.conditions import Condition, upsert
from rollmodel.plan.times import stamp

__all__ = ["Line", "dated"]


@dataclass(frozen=True, slots=True)
class Line:
    """A condition before it is dated."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""


def dated(
    before: Sequence[Condition], lines: Mapping[str, Line], *, generation: int, now: datetime
) -> Sequence[Condition]:
    """The conditions with these lines put in by type."""
    for kind, line in lines.items():
        message = " ".join(line.message.split())
        before = upsert(before, kind, line.status, line.reason, message, generation=generation, now=stamp(now))
    return before
