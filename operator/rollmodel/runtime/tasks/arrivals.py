"""Objects that are new go first: while some have no workload yet, what else is to do waits a little longer.

Many that come at once would else be slowed down by reports about the first of them, which mostly say what another
report says better a moment later, and by the rest of what the first of them need: the API server and MLflow are shared
by all. Whoever came with others of its namespace waits for these; everybody else waits for a second at most.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from rollmodel.slots import Turn, waiting_for_neighbour

__all__ = ["ARRIVING_SECONDS", "GIVING_WAY_SECONDS", "LONGEST_SECONDS", "STANDSTILL_SECONDS", "Arrivals"]

#: A first pass that takes longer waits for somebody, and holds up nobody of another burst.
ARRIVING_SECONDS = 5.0
#: The longest that a pass waits for new objects, in seconds.
LONGEST_SECONDS = 1.0
#: The longest that a new object whose workload is there waits for the others of its burst, in seconds.
GIVING_WAY_SECONDS = 10.0
#: It does not wait for them where none has got its workload for so many seconds.
STANDSTILL_SECONDS = 2.0


@dataclass(slots=True)
class _Burst:
    """Objects of one namespace that come together: those that have no workload, and when the last got one."""

    tenant: str
    coming: set[str] = field(default_factory=set)
    last: float = 0.0
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _New:
    """An object without a workload: with whom it came, when (by the clock), and whether one pass over it is over."""

    burst: _Burst
    began: float
    passed: bool = False


@dataclass(frozen=True, slots=True)
class _Arrived:
    burst: _Burst
    when: float


class Arrivals:
    """Objects without a workload whose first passes, two at most, are not over, by UID. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._new: dict[str, _New] = {}
        self._bursts: dict[str, _Burst] = {}
        self._arrived: dict[str, _Arrived] = {}

    def begin(self, uid: str, tenant: str = "") -> None:
        """This object of this namespace is new."""
        burst = self._bursts.setdefault(tenant, _Burst(tenant))
        burst.coming.add(uid)
        self._new[uid] = _New(burst, self._clock())

    def passed(self, uid: str, pause: float) -> None:
        """A pass over it is over; the next one, in so many seconds, makes the workload of a training run."""
        new = self._new.get(uid)
        if new is None:
            return
        if new.passed or pause > LONGEST_SECONDS:
            self.end(uid)
        else:
            new.passed = True

    def end(self, uid: str) -> None:
        """It waits for something else than its turn."""
        new = self._new.pop(uid, None)
        if new is None:
            return
        new.burst.coming.discard(uid)
        if not new.burst.coming:
            new.burst.over.set()
            del self._bursts[new.burst.tenant]

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self.end(uid)
        self._arrived.pop(uid, None)

    async def arrived(self, uid: str) -> None:
        """The workload of this object is there. If it is new, the rest of its pass waits for others to come so far.

        Those that wait for a slot, however long, get it before.
        """
        new = self._new.get(uid)
        if new is None:
            return
        burst = new.burst
        burst.last = self._clock()
        self._arrived[uid] = _Arrived(burst, burst.last)
        self.end(uid)
        async with waiting_for_neighbour(Turn.USUAL):
            await self._give_way(uid)

    async def settled(self, uid: str, seconds: float) -> None:
        """Wait before a pass that is not the first: so many seconds, or longer while others are new."""
        await asyncio.sleep(self.settle(uid, seconds))
        await self._give_way(uid)

    def settle(self, uid: str, seconds: float) -> float:
        """How long a pass waits for the new objects of all namespaces, if alone it would wait so many seconds."""
        if uid in self._new:
            return seconds
        return max(seconds, min(seconds * (1 + self._arriving()), LONGEST_SECONDS))

    def turn(self, uid: str) -> Turn:
        """When a pass over this object gets a slot."""
        return Turn.FIRST if uid in self._new else Turn.USUAL

    async def _give_way(self, uid: str) -> None:
        """Wait for the others of its burst, as long as they come one after the other."""
        arrived = self._arrived.get(uid)
        if arrived is None:
            return
        burst, end = arrived.burst, arrived.when + GIVING_WAY_SECONDS
        while not burst.over.is_set() and (left := min(end, burst.last + STANDSTILL_SECONDS) - self._clock()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await burst.over.wait()
        if burst.over.is_set() or self._clock() >= end:
            self._arrived.pop(uid, None)

    def _arriving(self) -> int:
        young = self._clock() - ARRIVING_SECONDS
        return sum(new.began > young for new in self._new.values())
