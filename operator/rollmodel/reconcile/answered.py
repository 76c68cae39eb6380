"""An answer of a neighbour, or why there is none, as a value: what cannot be read is a fact that plans decide on."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from rollmodel.errors import RollmodelError
from rollmodel.plan.problem import Problem

__all__ = ["answered"]

T = TypeVar("T")


async def answered(answer: Awaitable[T]) -> T | Problem:
    """The answer, or the error as a value that the plan can read."""
    try:
        return await answer
    except RollmodelError as error:
        return Problem.of(error)
