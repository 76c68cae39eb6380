"""Slots: how many passes work at once. A pass that waits for a neighbour works on nothing, and holds none.

A neighbour is whatever may be slow for reasons of its own: MLflow, Prometheus, a webhook. Adapters say where they wait
for one (:func:`waiting_for_neighbour`); the code of the pass itself does not see it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Slots", "beside_the_pass", "waiting_for_neighbour"]

T = TypeVar("T")

_Queue = deque[asyncio.Future[None]]


class Slots:
    """``number`` slots. Who comes back from a neighbour goes before who begins, so that what was begun gets done."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._returning: _Queue = deque()
        self._new: _Queue = deque()

    @property
    def free(self) -> int:
        """How many nobody holds."""
        return self._free

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Around one pass: it holds a slot, but not while any part of it waits for a neighbour."""
        await self._acquire(self._new)
        slot = _Slot(self)
        token = _current.set(slot)
        try:
            yield
        finally:
            _current.reset(token)
            slot.end()

    async def acquire_again(self) -> None:
        """For who gave a slot back for a while."""
        await self._acquire(self._returning)

    def release(self) -> None:
        """Give a slot to who waits longest, or back."""
        for queue in (self._returning, self._new):
            while queue:
                waiting = queue.popleft()
                if not waiting.done():
                    waiting.set_result(None)
                    return
        self._free += 1

    async def _acquire(self, queue: _Queue) -> None:
        if self._free:
            self._free -= 1
            return
        waiting = asyncio.get_running_loop().create_future()
        queue.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():  # it came, and nobody is there to take it
                self.release()
            raise


@dataclass(slots=True)
class _Slot:
    """The slot of one pass; ``waiting`` counts the parts of the pass that wait for a neighbour."""

    slots: Slots
    held: bool = True
    ended: bool = False
    waiting: int = 0

    def give_back(self) -> None:
        if self.held:
            self.held = False
            self.slots.release()

    async def take_again(self) -> None:
        if not self._missing():
            return
        await self.slots.acquire_again()
        if self._missing():
            self.held = True
        else:  # another part of the pass took it, or waits again; or all is over
            self.slots.release()

    def _missing(self) -> bool:
        return not (self.held or self.waiting or self.ended)

    def end(self) -> None:
        self.ended = True
        self.give_back()


_current: ContextVar[_Slot | None] = ContextVar("slot", default=None)


@asynccontextmanager
async def waiting_for_neighbour() -> AsyncIterator[None]:
    """Around a wait for somebody else's answer: the pass gives its slot back, and takes one again afterwards.

    Outside of a pass it does nothing. A wait that is cancelled takes no slot again: the pass is being ended. So a
    time-out after which the pass goes on belongs inside.
    """
    slot = _current.get()
    if slot is None or slot.ended:
        yield
        return
    slot.waiting += 1
    slot.give_back()
    cancelled = False
    try:
        yield
    except asyncio.CancelledError:
        cancelled = True
        raise
    finally:
        slot.waiting -= 1
        if not cancelled:
            await slot.take_again()


def beside_the_pass(work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """A task for work that outlives the pass which began it, and that has no part in the pass's slot."""
    return asyncio.create_task(work, name=name, context=Context())
