"""Computations that take long run beside the event loop, so that the passes of other objects go on meanwhile.

How long one takes is known before by how many numbers go in: 1.3 million points of one answer took 5 s, and nobody else
had a pass in that time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rollmodel.ports.process import Compute

__all__ = ["LARGE", "Inline", "computed"]

T = TypeVar("T")

#: So many numbers are worth a thread: fewer take milliseconds.
LARGE = 5_000


class Inline:
    """Implements :class:`rollmodel.ports.Compute` without threads: for tests, and for who drives one object only."""

    async def run(self, work: Callable[[], T]) -> T:
        """Compute it here and now."""
        return work()


async def computed(compute: Compute, work: Callable[[], T], *, numbers: int) -> T:
    """What the work returns; over many ``numbers`` it runs in ``compute``. It must be pure."""
    return work() if numbers < LARGE else await compute.run(work)
