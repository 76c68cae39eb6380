"""Conditions before they are dated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rollmodel.api.conditions import Condition, upsert
from rollmodel.plan.times import stamp

__all__ = ["ConditionDraft", "merge_conditions", "word"]

_FOREIGN = re.compile(r"[^A-Za-z0-9]+")
_NO_LETTERS = re.compile(r"^[0-9]+")
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class ConditionDraft:
    """A condition before it is dated."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""


def merge_conditions(
    before: Sequence[Condition], lines: Mapping[str, ConditionDraft], *, generation: int, now: datetime
) -> Sequence[Condition]:
    """The conditions with these lines put in by type."""
    moment, merged = stamp(now), {condition.type: condition for condition in before}
    for kind, line in lines.items():
        message = " ".join(line.message.split())
        old = [merged[kind]] if kind in merged else []
        [merged[kind]] = upsert(old, kind, line.status, word(line.reason), message, generation=generation, now=moment)
    return list(merged.values())


def word(reason: str) -> str:
    """The reason as one word that our schema allows. Others (a Gateway, Kueue) may write ``_``, ``,`` and ``:`` too."""
    return _NO_LETTERS.sub("", _FOREIGN.sub("", reason))[:_LONGEST] or "Unknown"
