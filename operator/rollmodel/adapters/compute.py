"""Threads for computations over large answers. Python runs one of them at a time, but the event loop in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rollmodel.adapters.bulkhead import Bulkhead, Lane
from rollmodel.slots import Pass, current_pass

__all__ = ["ComputeThreads"]

T = TypeVar("T")

#: Seconds for one computation; then its pass is tried again later. The thread is its tenant's until it has ended.
COMPUTE_SECONDS = 120.0
_HERE = ("compute", "", 0)


class ComputeThreads:
    """Implements :class:`rollmodel.ports.Compute`.

    Each namespace gets half of the threads at most, and its objects take turns.
    """

    def __init__(self, threads: int = 2) -> None:
        self._lanes = Bulkhead("compute", threads=threads, per_lane=threads, kept=0)

    async def run(self, work: Callable[[], T]) -> T:
        """Compute it in a thread. Raises TimeoutError after :data:`COMPUTE_SECONDS`, and whatever ``work`` raises."""
        whose = current_pass() or Pass()
        lane = Lane(_HERE, whose.tenant or None)
        return await self._lanes.run(lane, work, seconds=COMPUTE_SECONDS, owner=whose.owner or None)

    def close(self) -> None:
        """Let go of the threads."""
        self._lanes.close()
