"""Writes to a neighbour that go on beside the pass: a neighbour that hangs delays not even the object that writes.

A pass waits for its writes, but not for long. What is not over by then goes on in a task, and wakes the object when it
has ended; the next pass that decides the same write finds the outcome, and deals with it as if it were its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from rollmodel.plan.decision import Effect
from rollmodel.slots import beside_the_pass, waiting_for_neighbour

__all__ = ["PATIENCE_SECONDS", "Deliveries", "Pending"]

#: How long a pass waits for all its writes together, in seconds.
PATIENCE_SECONDS = 2.0


class Pending(Exception):
    """The write is not over yet; the object is woken when it is."""


@dataclass(slots=True)
class _Delivery:
    effect: Effect
    task: asyncio.Task[None]
    awaited: bool = False
    """A pass could not wait for the end, so the object has to be woken."""


class Deliveries:
    """Of one object there is one write at a time, in the order of the decisions. ``wake`` is called with its UID."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._objects: dict[str, list[_Delivery]] = {}

    async def outcome(self, uid: str, effect: Effect, send: Callable[[], Awaitable[None]], *, until: float) -> None:
        """Begin this write, unless it goes on already, and wait for its end until ``until`` (``time.monotonic``).

        Raises the error that it ended with, or Pending. What was told once is forgotten.
        """
        delivery = self._find(uid, effect) or self._begin(uid, effect, send)
        if not delivery.task.done():
            async with waiting_for_neighbour():
                await asyncio.wait({delivery.task}, timeout=max(0.0, until - time.monotonic()))
        if not delivery.task.done():
            delivery.awaited = True
            raise Pending
        self._drop(uid, delivery)
        await delivery.task

    def keep(self, uid: str, effects: Collection[Effect]) -> None:
        """A new pass decided on these: the outcomes of other writes interest nobody any more."""
        for delivery in self._objects.get(uid, [])[:]:
            if delivery.effect not in effects:
                delivery.awaited = False
                if delivery.task.done():
                    self._drop(uid, delivery)

    def forget(self, uid: str) -> None:
        """The object is gone: so are its writes."""
        for delivery in self._objects.pop(uid, ()):
            delivery.task.cancel()

    def _find(self, uid: str, effect: Effect) -> _Delivery | None:
        return next((one for one in self._objects.get(uid, ()) if one.effect == effect), None)

    def _begin(self, uid: str, effect: Effect, send: Callable[[], Awaitable[None]]) -> _Delivery:
        others = self._objects.setdefault(uid, [])
        before = [delivery.task for delivery in others if not delivery.task.done()]
        delivery = _Delivery(effect, beside_the_pass(_after(before, send), name=f"deliver for {uid}"))
        delivery.task.add_done_callback(lambda _: self._ended(uid, delivery))
        others.append(delivery)
        return delivery

    def _ended(self, uid: str, delivery: _Delivery) -> None:
        if delivery.task.cancelled():
            return
        delivery.task.exception()  # looked at: whoever asks for the outcome gets it
        if delivery.awaited:
            self._wake(uid)

    def _drop(self, uid: str, delivery: _Delivery) -> None:
        self._objects[uid].remove(delivery)
        if not self._objects[uid]:
            del self._objects[uid]


async def _after(before: Collection[asyncio.Task[None]], send: Callable[[], Awaitable[None]]) -> None:
    if before:
        await asyncio.wait(before)
    await send()
