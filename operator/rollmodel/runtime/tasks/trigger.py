"""Triggers: whatever happens, it only wakes the loop of one object."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Trigger", "Triggers"]


class Trigger:
    """What the loop of one object sleeps on."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the loop now, or make its next sleep end at once. Several calls before that count as one."""
        self._event.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep until the trigger is set, at most so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    def clear(self) -> None:
        """Forget earlier calls of :meth:`set`: a pass that begins now sees what they were about."""
        self._event.clear()


class Triggers:
    """The triggers of all objects that have a loop, by UID."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger] = {}

    def wake(self, uid: str) -> None:
        """Wake the loop of this object. An object without a loop is ignored: its first pass will read everything."""
        trigger = self._triggers.get(uid)
        if trigger is not None:
            trigger.set()

    @contextmanager
    def trigger(self, uid: str) -> Iterator[Trigger]:
        """The trigger of one object, while its loop runs."""
        trigger = self._triggers[uid] = Trigger()
        try:
            yield trigger
        finally:
            if self._triggers.get(uid) is trigger:
                del self._triggers[uid]
