"""Objects that are new go first: while some have no workload yet, what else is to do waits a little longer.

Many that come at once would else be slowed down by reports about the first of them, which mostly say what another
report says better a moment later, and by the rest of what the first of them need: the API server is shared by all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from rollmodel.slots import Turn, waiting_for_neighbour

__all__ = ["ARRIVING_SECONDS", "GIVING_WAY_SECONDS", "LONGEST_SECONDS", "Arrivals"]

#: A first pass that takes longer waits for somebody, and holds up nobody.
ARRIVING_SECONDS = 5.0
#: The longest that a pass waits for new objects, in seconds.
LONGEST_SECONDS = 1.0
#: The longest that a new object whose workload is there waits for others, in seconds.
GIVING_WAY_SECONDS = 2.0


class Arrivals:
    """Objects without a workload whose first passes, two at most, are not over, by UID. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: dict[str, float] = {}
        self._passed: set[str] = set()
        self._none = asyncio.Event()

    def begin(self, uid: str) -> None:
        """This object is new."""
        self._began[uid] = self._clock()
        self._none.clear()

    def passed(self, uid: str, pause: float) -> None:
        """A pass over it is over; the next one, in so many seconds, makes the workload of a training run."""
        if uid in self._passed or pause > LONGEST_SECONDS:
            self.end(uid)
        elif uid in self._began:
            self._passed.add(uid)

    def end(self, uid: str) -> None:
        """It waits for something else than its turn, or is gone."""
        self._passed.discard(uid)
        self._began.pop(uid, None)
        if not self._began:
            self._none.set()

    async def arrived(self, uid: str) -> None:
        """The workload of this object is there. If it is new, the rest of its pass waits for others to come so far.

        Those that wait for a slot, however long, get it before.
        """
        if uid not in self._began:
            return
        self.end(uid)
        async with waiting_for_neighbour(Turn.USUAL):
            with suppress(TimeoutError):
                async with asyncio.timeout(GIVING_WAY_SECONDS if self._arriving() else 0):
                    await self._none.wait()

    def settle(self, uid: str, seconds: float) -> float:
        """How long a pass that is not the first waits, if alone it would wait so many seconds."""
        if uid in self._began:
            return seconds
        return max(seconds, min(seconds * (1 + self._arriving()), LONGEST_SECONDS))

    def turn(self, uid: str) -> Turn:
        """When a pass over this object gets a slot."""
        return Turn.FIRST if uid in self._began else Turn.USUAL

    def _arriving(self) -> int:
        young = self._clock() - ARRIVING_SECONDS
        return sum(began > young for began in self._began.values())
