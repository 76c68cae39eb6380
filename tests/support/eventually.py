"""How async tests wait: on a condition, with patience for a machine under load, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["PATIENCE_SECONDS", "eventually", "turns"]

#: How long anything may take; nothing waits for so long where things work.
PATIENCE_SECONDS = 240.0
_POLL_SECONDS = 0.2
_SHOWN = 8000

Seen = TypeVar("Seen")


async def eventually(
    look: Callable[[], Awaitable[Seen]],
    holds: Callable[[Seen], object],
    what: str,
    show: Callable[[Seen], str] = repr,
    *,
    every: float = _POLL_SECONDS,
) -> Seen:
    """Look until what is seen ``holds``, and return it. Fails with ``what`` was waited for, and what was seen last.

    ``every``: seconds between two looks.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds(seen := await look()):
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {what}; {show(seen)[:_SHOWN]}"
        await asyncio.sleep(every)
    return seen


async def turns(number: int = 20) -> None:
    """Let everything that can run in the event loop do so."""
    for _ in range(number):
        await asyncio.sleep(0)
