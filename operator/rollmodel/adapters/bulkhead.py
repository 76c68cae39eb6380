"""Threads for synchronous clients, shared fairly and for a bounded time.

A registry that a user named may hang on purpose, or trickle. It then holds its own few threads until their deadline,
and everybody else's calls go on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TypeVar
from urllib.parse import urlsplit

from rollmodel.adapters.deadline import Deadline
from rollmodel.adapters.fair_queue import FairQueue, Turn
from rollmodel.ports.registry import Connection
from rollmodel.slots import current_pass, waiting_for_neighbour

__all__ = ["Bulkhead", "Lane", "on_behalf_of"]

T = TypeVar("T")

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Lane:
    """Whose threads work takes: ``address`` is (scheme, host, port); ``tenant`` who named it, None for ourselves."""

    address: tuple[str, str, int]
    tenant: str | None = None

    @classmethod
    def of(cls, connection: Connection) -> Lane:
        """The lane of a connection."""
        return cls.to(connection.url, connection.namespace)

    @classmethod
    def to(cls, url: str, tenant: str | None = None) -> Lane:
        """The lane to a server, whatever the path."""
        parts = urlsplit(url)
        return cls((parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)), tenant)


def on_behalf_of(connection: Connection) -> str | None:
    """Who shares the operator's own connection with others: the namespace whose pass asks, or has begun to.

    None for the connection of a tenant: its lane is its own.
    """
    whose = current_pass() if connection.namespace is None else None
    return whose.tenant if whose is not None else None


class Bulkhead:
    """A pool of ``threads``, of which each address gets ``per_lane`` at most, each tenant half, and an owner a quarter.

    All tenants together leave ``kept`` (``per_lane``, unless it is given) for the operator's own connection. Later
    callers queue; of those who may begin, the tenant that has the fewest threads goes first, and its owners take turns.
    ``initializer`` is run once, before the first work.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        per_lane: int,
        kept: int | None = None,
        initializer: Callable[[], None] = lambda: None,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = threads
        self._per_lane = per_lane
        self._kept = per_lane if kept is None else kept
        self._initializer = initializer
        self._initialized: Future[None] | None = None
        self._queues: dict[Lane, FairQueue] = {}
        self._arrivals = count()
        self._by_address: Counter[tuple[str, str, int]] = Counter()
        self._by_tenant: Counter[str | None] = Counter()
        self._by_owner: Counter[str | None] = Counter()

    async def run(
        self,
        lane: Lane,
        work: Callable[[], T],
        *,
        seconds: float,
        total: float | None = None,
        owner: str | None = None,
        cut: bool = False,
        urgent: bool = False,
    ) -> T:
        """Do the work in a thread. ``owner`` is the object that it is for, where those of a tenant shall share.

        What is ``urgent`` goes before what else waits in the lane for the same owner, and before nobody else's.

        It may take ``seconds`` once it has begun, and ``total`` with the queueing (None: as long as the queue lasts);
        then its sockets are shut and TimeoutError is raised. Who stops waiting earlier leaves the thread to its lane
        until the work has ended; ``cut``: its sockets are shut then, too.
        """
        async with waiting_for_neighbour():
            loop = asyncio.get_running_loop()
            began = loop.time()
            async with asyncio.timeout(total):
                await self._initialize()
                await self._enter(lane, owner, urgent=urgent)
            left = seconds if total is None else min(seconds, began + total - loop.time())
            return await self._work(lane, owner, work, left, cut=cut)

    def close(self) -> None:
        """Let go of the threads; those that wait for an answer end with their deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _work(self, lane: Lane, owner: str | None, work: Callable[[], T], seconds: float, *, cut: bool) -> T:
        loop, deadline = asyncio.get_running_loop(), Deadline()
        timer = loop.call_later(seconds, deadline.cut)

        def ended() -> None:
            timer.cancel()
            self._leave(lane, owner)

        def report(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended)

        working = self._pool.submit(deadline.run, work)
        working.add_done_callback(report)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(working)
        except asyncio.CancelledError:
            if cut:
                deadline.cut()
            raise

    async def _initialize(self) -> None:
        if self._initialized is None:
            self._initialized = self._pool.submit(self._initializer)
        if not self._initialized.done():
            await asyncio.shield(asyncio.wrap_future(self._initialized))
        self._initialized.result()

    async def _enter(self, lane: Lane, owner: str | None, *, urgent: bool) -> None:
        """Wait for one's turn, and take a thread."""
        turn = next(self._arrivals), asyncio.get_running_loop().create_future()
        self._queues.setdefault(lane, FairQueue()).add(owner, turn, urgent=urgent)
        self._call_next()
        try:
            await turn[1]
        except asyncio.CancelledError:
            if turn[1].cancelled():
                self._give_up(lane, owner, turn)
            else:  # it came, and nobody is there to take it
                self._leave(lane, owner)
            raise

    def _give_up(self, lane: Lane, owner: str | None, turn: Turn) -> None:
        queue = self._queues.get(lane)
        if queue is not None:
            queue.discard(owner, turn)
            self._tidy(lane)

    def _leave(self, lane: Lane, owner: str | None) -> None:
        """Give the thread back."""
        self._by_address -= Counter([lane.address])
        self._by_tenant -= Counter([lane.tenant])
        self._by_owner -= Counter([owner])
        self._call_next()

    def _call_next(self) -> None:
        while self._by_tenant.total() < self._threads and (found := self._next()) is not None:
            lane, owner, turn = found
            self._queues[lane].take(owner)
            self._tidy(lane)
            if not turn[1].cancelled():
                self._by_address[lane.address] += 1
                self._by_tenant[lane.tenant] += 1
                self._by_owner[owner] += 1
                turn[1].set_result(None)

    def _next(self) -> tuple[Lane, str | None, Turn] | None:
        """Of those who may begin: the tenant that has the fewest threads, and then who waits longest."""
        ready = [
            (lane, *first)
            for lane, queue in self._queues.items()
            if self._may_begin(lane) and (first := queue.first(self._owner_may_begin)) is not None
        ]
        return min(ready, key=lambda one: (self._by_tenant[one[0].tenant], one[2][0]), default=None)

    def _may_begin(self, lane: Lane) -> bool:
        if self._by_address[lane.address] >= self._per_lane:
            return False
        if lane.tenant is None:
            return True
        of_tenants = self._by_tenant.total() - self._by_tenant[None]
        may = max(1, self._threads // 2)
        return self._by_tenant[lane.tenant] < may and of_tenants < self._threads - self._kept

    def _owner_may_begin(self, owner: str | None) -> bool:
        return owner is None or self._by_owner[owner] < max(1, self._threads // 4)

    def _tidy(self, lane: Lane) -> None:
        if not self._queues[lane]:
            del self._queues[lane]
