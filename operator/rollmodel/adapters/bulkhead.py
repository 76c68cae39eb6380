"""Threads for synchronous clients, shared fairly: no one address can take them all.

A registry that a user named may hang on purpose. It then holds its own lane, and everybody else's polls go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar
from weakref import WeakValueDictionary

__all__ = ["Bulkhead"]

T = TypeVar("T")


class Bulkhead:
    """A pool of ``threads``, of which each lane gets ``per_lane`` at most; who comes later waits in line."""

    def __init__(
        self, name: str, *, threads: int, per_lane: int, initializer: Callable[[], None] = lambda: None
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=initializer)
        self._per_lane = per_lane
        self._lanes: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def run(self, lane: str, work: Callable[[], T]) -> T:
        """Do the work in a thread. Who gives up waiting leaves the thread to its lane until the work has ended."""
        slots, loop = self._lanes.setdefault(lane, asyncio.Semaphore(self._per_lane)), asyncio.get_running_loop()

        def release(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(slots.release)

        await slots.acquire()
        working = self._pool.submit(work)
        working.add_done_callback(release)
        return await asyncio.wrap_future(working)

    def close(self) -> None:
        """Let go of the threads; those that wait for an answer end with their timeout."""
        self._pool.shutdown(wait=False, cancel_futures=True)
