"""Slots: how many passes work at once. A pass that waits for a neighbour works on nothing, and holds none.

A neighbour is whatever may be slow for reasons of its own: MLflow, Prometheus, a webhook. Adapters say where they wait
for one (:func:`waiting_for_neighbour`); the code of the pass itself does not see it.

Slots are shared by tenants, which are namespaces: a free slot goes to each tenant that waits in turn, however many
passes of another one wait, and no tenant holds all of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

__all__ = ["Pass", "Slots", "Turn", "beside_the_pass", "current_pass", "waiting_for_neighbour"]

T = TypeVar("T")

_Waiting = deque[asyncio.Future[None]]

#: One slot of so many is for the others when one tenant holds all that it may.
_KEPT = 8


class Turn(Enum):
    """Who goes before whom."""

    RETURNING = "Returning"
    """Who comes back from a neighbour: what was begun gets done."""
    FIRST = "First"
    """The first pass over a new object."""
    USUAL = "Usual"
    """Any other that begins, and who gave way to others of its own will."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Whose pass it is: ``tenant`` is the namespace of the object, ``owner`` its UID."""

    tenant: str = ""
    owner: str = ""


@dataclass(slots=True)
class _Queue:
    """Who waits of one tenant, the most urgent first: see :class:`Turn`."""

    waiting: dict[Turn, _Waiting] = field(default_factory=lambda: {turn: deque() for turn in Turn})

    def next(self) -> asyncio.Future[None] | None:
        """Who waits longest, and waits still."""
        for queue in self.waiting.values():
            while queue:
                waiting = queue.popleft()
                if not waiting.done():
                    return waiting
        return None


class Slots:
    """``number`` slots, for tenants in turn."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._most = number - number // _KEPT
        self._held: Counter[str] = Counter()
        self._queues: OrderedDict[str, _Queue] = OrderedDict()

    @property
    def free(self) -> int:
        """How many nobody holds."""
        return self._free

    @asynccontextmanager
    async def slot(self, whose: Pass | None = None, turn: Turn = Turn.USUAL) -> AsyncIterator[None]:
        """Around one pass: it holds a slot, but not while any part of it waits for a neighbour."""
        whose = whose or Pass()
        await self._acquire(whose.tenant, turn)
        slot = _Slot(self, whose)
        token = _current.set(slot)
        try:
            yield
        finally:
            _current.reset(token)
            slot.end()

    async def acquire_again(self, tenant: str, turn: Turn) -> None:
        """For who gave a slot back for a while."""
        await self._acquire(tenant, turn)

    def release(self, tenant: str) -> None:
        """Give a slot of this tenant back."""
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
        self._free += 1
        self._hand_out()

    def _hand_out(self) -> None:
        """Give free slots to those who wait, one to each tenant in turn."""
        while self._free:
            tenant = next((one for one in self._queues if self._held[one] < self._most), None)
            if tenant is None:
                return
            waiting = self._queues[tenant].next()
            if waiting is None:
                del self._queues[tenant]
                continue
            self._queues.move_to_end(tenant)
            self._take(tenant)
            waiting.set_result(None)

    def _take(self, tenant: str) -> None:
        self._free -= 1
        self._held[tenant] += 1

    async def _acquire(self, tenant: str, turn: Turn) -> None:
        if self._free and self._held[tenant] < self._most:
            self._take(tenant)
            return
        waiting = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, _Queue()).waiting[turn].append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():  # it came, and nobody is there to take it
                self.release(tenant)
            raise


@dataclass(slots=True)
class _Slot:
    """The slot of one pass; ``waiting`` counts the parts of the pass that wait for a neighbour."""

    slots: Slots
    whose: Pass
    held: bool = True
    ended: bool = False
    waiting: int = 0

    def give_back(self) -> None:
        if self.held:
            self.held = False
            self.slots.release(self.whose.tenant)

    async def take_again(self, turn: Turn) -> None:
        if not self._missing():
            return
        await self.slots.acquire_again(self.whose.tenant, turn)
        if self._missing():
            self.held = True
        else:  # another part of the pass took it, or waits again; or all is over
            self.slots.release(self.whose.tenant)

    def _missing(self) -> bool:
        return not (self.held or self.waiting or self.ended)

    def end(self) -> None:
        self.ended = True
        self.give_back()


_current: ContextVar[_Slot | None] = ContextVar("slot", default=None)
_begun_by: ContextVar[Pass | None] = ContextVar("begun_by", default=None)


def current_pass() -> Pass | None:
    """The pass that this code is a part of, or that began it; None where there is none."""
    slot = _current.get()
    return _begun_by.get() if slot is None else slot.whose


@asynccontextmanager
async def waiting_for_neighbour(turn: Turn = Turn.RETURNING) -> AsyncIterator[None]:
    """Around a wait for somebody else's answer: the pass gives its slot back, and takes one again in its ``turn``.

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
            await slot.take_again(turn)


def beside_the_pass(work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """A task for work that outlives the pass which began it: in its name, and without a part in its slot."""
    context = Context()
    context.run(_begun_by.set, current_pass())
    return asyncio.create_task(work, name=name, context=context)
