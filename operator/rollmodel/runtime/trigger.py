"""Waking: whatever happens anywhere, it only ever tells one object to look again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Alarm", "Wakes"]


class Alarm:
    """What the loop of one object sleeps on."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the sleeper now, or spare it the next sleep. Any number of rings before it looks count as one."""
        self._event.set()

    async def sleep(self, seconds: float) -> None:
        """Until rung, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    def silence(self) -> None:
        """Forget the rings so far: a pass that begins now sees all that they were about."""
        self._event.clear()


class Wakes:
    """The alarms of all objects that are being driven, by UID."""

    def __init__(self) -> None:
        self._alarms: dict[str, Alarm] = {}

    def wake(self, uid: str) -> None:
        """Tell this object to look again. One that nobody drives is ignored: its first pass will see everything."""
        alarm = self._alarms.get(uid)
        if alarm is not None:
            alarm.ring()

    @contextmanager
    def alarm(self, uid: str) -> Iterator[Alarm]:
        """The alarm of one object, while it is being driven."""
        alarm = self._alarms[uid] = Alarm()
        try:
            yield alarm
        finally:
            if self._alarms.get(uid) is alarm:
                del self._alarms[uid]
