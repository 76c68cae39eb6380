"""What the own process gives: time, and threads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

__all__ = ["Clock", "Compute"]

T = TypeVar("T")


class Clock(Protocol):
    """Time, injected so that tests own it."""

    def now(self) -> datetime:
        """The current time, timezone-aware, UTC."""
        ...


class Compute(Protocol):
    """Threads for what takes long to compute."""

    async def run(self, work: Callable[[], T]) -> T:
        """What the work returns or raises. The work touches nothing that others change."""
        ...
