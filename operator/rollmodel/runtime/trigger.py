"""Waking: whatever happens anywhere, it only ever tells one object to look again."""

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
        """Wake the sleeper now, or spare it the next sleep. Any number of rings before it looks count as one."""
        self._event.set()

    async def sleep(self, seconds: float) -> None:
        """Until rung, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    def clear(self) -> None:
        """Forget the rings so far: a pass that begins now sees all that they were about."""
        self._event.clear()


class Triggers:
    """The alarms of all objects that are being driven, by UID."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger] = {}

    def wake(self, uid: str) -> None:
        """Tell this object to look again. One that nobody drives is ignored: its first pass will see everything."""
        trigger = self._triggers.get(uid)
        if trigger is not None:
            trigger.set()

    @contextmanager
    def trigger(self, uid: str) -> Iterator[Trigger]:
        """The alarm of one object, while it is being driven."""
        trigger = self._triggers[uid] = Trigger()
        try:
            yield trigger
        finally:
            if self._triggers.get(uid) is trigger:
                del self._triggers[uid]
