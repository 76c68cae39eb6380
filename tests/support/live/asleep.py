"""A client of a model that goes to sleep and wakes up: each answer must be the model's or its holding page's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from tests.support.eventually import eventually
from tests.support.live.rollout import LiveRollout

__all__ = ["Caller"]

_PATIENCE_SECONDS = 120
_SERVES = (200, None)


@dataclass
class Caller:
    """Asks ``model`` at the gateway ``url``; its page says ``retry_after``."""

    url: str
    model: LiveRollout
    retry_after: int

    async def until_served(self) -> None:
        """Wait until the model answers."""
        await eventually(self._ask, lambda found: found == _SERVES, "the model answers")

    async def until_asleep(self) -> float:
        """Ask without a pause until there are no pods; seconds. Fails on any answer that is of neither."""
        began, seen = time.monotonic(), set[tuple[int, str | None]]()
        while (await self.model.status()).replicas:
            seen.add(await self._ask())
            assert time.monotonic() - began < _PATIENCE_SECONDS
        seen.add(await self._ask())
        assert seen == {_SERVES, self._page}
        return time.monotonic() - began

    async def until_awake(self) -> float:
        """Ask from the page on until the model answers, and then nobody else; seconds."""
        began, seen = time.monotonic(), set[tuple[int, str | None]]()
        while _SERVES not in seen:
            seen.add(await self._ask())
            assert time.monotonic() - began < _PATIENCE_SECONDS
            await asyncio.sleep(0.05)
        woken = time.monotonic() - began
        seen |= {await self._ask() for _ in range(20)}
        assert seen == {_SERVES, self._page}
        await self.model.until_absent("Deployment", f"{self.model.name}-hold")
        assert await self._ask() == _SERVES
        return woken

    @property
    def _page(self) -> tuple[int, str]:
        return 503, str(self.retry_after)

    async def _ask(self) -> tuple[int, str | None]:
        async with (
            aiohttp.ClientSession(headers={"Host": self.model.host}) as session,
            session.post(f"{self.url}/invocations", data="{}") as answer,
        ):
            return answer.status, answer.headers.get("Retry-After")
