"""Threads for synchronous clients, shared fairly and for a bounded time.

A registry that a user named may hang on purpose, or trickle. It then holds its own few threads until their deadline,
and everybody else's calls go on.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TypeVar
from urllib.parse import urlsplit

from rollmodel.adapters.deadline import Deadline
from rollmodel.ports import Connection
from rollmodel.slots import waiting_for_neighbour

__all__ = ["Bulkhead", "Lane"]

T = TypeVar("T")

_PORTS = {"http": 80, "https": 443}

#: A place in the queue: who came earlier has the lower number.
_Turn = tuple[int, asyncio.Future[None]]


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


class Bulkhead:
    """A pool of ``threads``, of which each address gets ``per_lane`` at most and each tenant half.

    All tenants together leave ``per_lane`` for the operator's own connection. Later callers queue; of those who may
    begin, the tenant that has the fewest threads goes first. ``initializer`` is run once, before the first work.
    """

    def __init__(
        self, name: str, *, threads: int, per_lane: int, initializer: Callable[[], None] = lambda: None
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = threads
        self._per_lane = per_lane
        self._initializer = initializer
        self._initialized: Future[None] | None = None
        self._queues: dict[Lane, deque[_Turn]] = {}
        self._arrivals = count()
        self._by_address: Counter[tuple[str, str, int]] = Counter()
        self._by_tenant: Counter[str | None] = Counter()

    async def run(self, lane: Lane, work: Callable[[], T], *, seconds: float, total: float | None = None) -> T:
        """Do the work in a thread.

        It may take ``seconds`` once it has begun, and ``total`` with the queueing (None: as long as the queue lasts);
        then its sockets are shut and TimeoutError is raised. Who stops waiting earlier leaves the thread to its lane
        until the work has ended.
        """
        async with waiting_for_neighbour():
            loop = asyncio.get_running_loop()
            began = loop.time()
            async with asyncio.timeout(total):
                await self._initialize()
                await self._enter(lane)
            left = seconds if total is None else min(seconds, began + total - loop.time())
            return await self._work(lane, work, left)

    def close(self) -> None:
        """Let go of the threads; those that wait for an answer end with their deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _work(self, lane: Lane, work: Callable[[], T], seconds: float) -> T:
        loop, deadline = asyncio.get_running_loop(), Deadline()
        timer = loop.call_later(seconds, deadline.cut)

        def ended() -> None:
            timer.cancel()
            self._leave(lane)

        def report(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended)

        working = self._pool.submit(deadline.run, work)
        working.add_done_callback(report)
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(working)

    async def _initialize(self) -> None:
        if self._initialized is None:
            self._initialized = self._pool.submit(self._initializer)
        if not self._initialized.done():
            await asyncio.shield(asyncio.wrap_future(self._initialized))
        self._initialized.result()

    async def _enter(self, lane: Lane) -> None:
        """Wait for one's turn, and take a thread."""
        turn = next(self._arrivals), asyncio.get_running_loop().create_future()
        self._queues.setdefault(lane, deque()).append(turn)
        self._call_next()
        try:
            await turn[1]
        except asyncio.CancelledError:
            if turn[1].cancelled():
                self._give_up(lane, turn)
            else:  # it came, and nobody is there to take it
                self._leave(lane)
            raise

    def _give_up(self, lane: Lane, turn: _Turn) -> None:
        queue = self._queues.get(lane)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[lane]

    def _leave(self, lane: Lane) -> None:
        """Give the thread back."""
        self._by_address -= Counter([lane.address])
        self._by_tenant -= Counter([lane.tenant])
        self._call_next()

    def _call_next(self) -> None:
        while ready := [lane for lane in self._queues if self._may_begin(lane)]:
            lane = min(ready, key=lambda lane: (self._by_tenant[lane.tenant], self._queues[lane][0][0]))
            _, turn = self._queues[lane].popleft()
            if not self._queues[lane]:
                del self._queues[lane]
            if not turn.cancelled():
                self._by_address[lane.address] += 1
                self._by_tenant[lane.tenant] += 1
                turn.set_result(None)

    def _may_begin(self, lane: Lane) -> bool:
        taken = self._by_tenant.total()
        if taken >= self._threads or self._by_address[lane.address] >= self._per_lane:
            return False
        if lane.tenant is None:
            return True
        of_tenants = taken - self._by_tenant[None]
        return self._by_tenant[lane.tenant] < self._threads // 2 and of_tenants < self._threads - self._per_lane
