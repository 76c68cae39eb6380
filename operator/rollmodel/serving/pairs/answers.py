"""What is kept of a request and its answer: a hash, and one number or short text for each row."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rollmodel.serving.pairs.config import Rule

__all__ = [
    "MOST_ROWS",
    "Answers",
    "RowsOfRule",
    "Value",
    "current",
    "differences",
    "differing_rows",
    "question_of",
    "values_of",
]

Value: TypeAlias = float | str
Answers: TypeAlias = tuple[Value, ...]
"""The answer to each row of a request."""


@dataclass(frozen=True, slots=True)
class RowsOfRule:
    """What a rule asks of the rows of a request: the slice of each, and whether it counts; None: it does not ask."""

    slices: Sequence[str] | None = None
    chosen: Sequence[bool] | None = None


#: Of a larger request the first rows are compared.
MOST_ROWS = 64
_LONGEST_TEXT = 64
_NUMBERS = "biuf"

current: ContextVar[str | None] = ContextVar("question", default=None)
"""The question that this thread answers; None while nobody compares."""


def question_of(body: bytes, content_type: bytes) -> str:
    """A hash of what is asked: 32 hexadecimal digits, the same in each pod."""
    found = hashlib.blake2b(content_type + b"\n", digest_size=16, person=b"rollmodel.pairs")
    found.update(body)
    return found.hexdigest()


def values_of(answer: Any) -> Answers:
    """One value for each of the first rows; of two columns the second, of more numbers the place of the largest.

    Of rows that are none of these, and of what has no rows, a hash.
    """
    try:
        rows = np.atleast_1d(np.asarray(answer))[:MOST_ROWS]
    except (ValueError, TypeError):
        return (_hash(answer),)
    if rows.ndim == 2 and rows.shape[1] > 2 and rows.dtype.kind in _NUMBERS:
        rows = np.argmax(rows, axis=1)
    elif rows.ndim == 2 and rows.shape[1] in {1, 2}:
        rows = rows[:, -1]
    return tuple(_value(one) for one in rows.tolist())


def differing_rows(rule: Rule, ours: Answers, theirs: Answers) -> list[bool]:
    """For each row whether the answers differ; all rows do where there are not as many."""
    if len(ours) != len(theirs):
        return [True] * max(len(ours), 1)
    return [_differ(rule, one, other) for one, other in zip(ours, theirs, strict=True)]


def differences(largest: float, ours: Answers, theirs: Answers) -> list[float]:
    """For each row ours minus theirs, -1 to 1, in parts of the largest that counts.

    What is no number differs by the largest unless it is the same, and so do all rows where there are not as many.
    """
    if len(ours) != len(theirs):
        return [1.0] * max(len(ours), 1)
    return [_difference(largest, one, other) for one, other in zip(ours, theirs, strict=True)]


def _difference(largest: float, one: Value, other: Value) -> float:
    if isinstance(one, str) or isinstance(other, str):
        return 0.0 if one == other else 1.0
    return max(-1.0, min(1.0, (one - other) / largest))


def _differ(rule: Rule, one: Value, other: Value) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one != other
    if rule.threshold is not None:
        return (one > rule.threshold) != (other > rule.threshold)
    return abs(one - other) > (rule.differs_by or 0.0)


def _value(value: Any) -> Value:
    if isinstance(value, float | int):
        number = float(value)
        return number if math.isfinite(number) else str(number)  # nan is not equal to itself, and no JSON
    return value if isinstance(value, str) and len(value) <= _LONGEST_TEXT else _hash(value)


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=repr)
    return "hash:" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
