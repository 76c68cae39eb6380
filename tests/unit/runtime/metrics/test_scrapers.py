"""Who may read the metrics, and what strangers cost."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from rollmodel.errors import Unavailable
from rollmodel.runtime.health import Health, Server
from rollmodel.runtime.metrics import scrapers
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.metrics.scrapers import Scrapers
from rollmodel.runtime.watchdog import Watchdog

from tests.unit.runtime.test_health import Watches


@dataclass
class ApiServer:
    """It knows the token ``good`` of somebody who may, ``weak`` of somebody who may not, and no other."""

    asked: list[str] = field(default_factory=list)
    down: bool = False
    hangs: asyncio.Event | None = None

    async def user(self, token: str) -> dict[str, Any] | None:
        self.asked.append(token)
        if self.hangs is not None:
            await self.hangs.wait()
        if self.down:
            raise Unavailable("refused")
        return {"username": token} if token in {"good", "weak"} else None

    async def may_get(self, user: dict[str, Any], path: str) -> bool:
        assert path == "/metrics"
        return bool(user["username"] == "good")


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer good", 200),
        ("bearer  good", 200),
        ("Bearer weak", 403),
        ("Bearer other", 401),
        ("Bearer ", 401),
        ("Basic good", 401),
        ("Bearer g\u00f6\u00f6d", 401),
        ("Bearer " + "x" * 20_000, 401),
        ("good", 401),
        (None, 401),
    ],
)
async def test_who_may(header: str | None, status: int) -> None:
    assert await Scrapers(ApiServer()).judge(header, "/metrics") == status


async def test_a_scrape_costs_a_question_a_minute() -> None:
    api, clock = ApiServer(), Time()
    guard = Scrapers(api, clock)
    for _ in range(4):
        assert await guard.judge("Bearer good", "/metrics") == 200
        clock.now += 15
    assert len(api.asked) == 1
    assert await guard.judge("Bearer good", "/metrics") == 200
    assert len(api.asked) == 2


async def test_a_right_that_is_taken_away_is_gone_after_a_minute() -> None:
    api, clock = ApiServer(), Time()
    guard = Scrapers(api, clock)
    assert await guard.judge("Bearer good", "/metrics") == 200
    api.down, clock.now = True, scrapers.ALLOWED_SECONDS
    assert await guard.judge("Bearer good", "/metrics") == 503


async def test_a_flood_of_tokens_asks_little_keeps_little_and_stops_nobody_who_may() -> None:
    api, clock = ApiServer(), Time()
    guard = Scrapers(api, clock)
    assert await guard.judge("Bearer good", "/metrics") == 200
    for number in range(1000):
        assert await guard.judge(f"Bearer {number}", "/metrics") in {401, 503}
        clock.now += 0.01
    assert len(api.asked) == scrapers.IN_A_MINUTE
    assert len(guard._others) <= scrapers.KEPT
    assert await guard.judge("Bearer good", "/metrics") == 200
    clock.now += 60
    assert await guard.judge("Bearer weak", "/metrics") == 403


async def test_an_api_server_that_hangs_holds_few_scrapes() -> None:
    api = ApiServer(hangs=asyncio.Event())
    guard = Scrapers(api)
    held = [asyncio.ensure_future(guard.judge(f"Bearer {n}", "/metrics")) for n in range(scrapers.AT_ONCE)]
    await asyncio.sleep(0)
    assert await guard.judge("Bearer good", "/metrics") == 503
    assert api.hangs is not None
    api.hangs.set()
    assert await asyncio.gather(*held) == [401] * scrapers.AT_ONCE
    assert await guard.judge("Bearer good", "/metrics") == 200


async def test_tokens_are_kept_nowhere() -> None:
    guard = Scrapers(ApiServer())
    await guard.judge("Bearer good", "/metrics")
    kept = {name: value for name, value in vars(guard).items() if name != "_reviewer"}
    assert kept["_allowed"]
    assert "good" not in repr(kept)


async def test_the_page_asks_and_the_probes_do_not() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    server = Server(Health(Watches(), Watchdog()), Instruments().registry, Scrapers(ApiServer()))
    await server.start(health=address, metrics=address)
    try:
        async with aiohttp.ClientSession() as session:
            for headers, status in (({}, 401), ({"Authorization": "Bearer weak"}, 403)):
                async with session.get(f"http://{address}/metrics", headers=headers) as answer:
                    assert answer.status == status
                    assert "rollmodel_" not in await answer.text()
            async with session.get(f"http://{address}/metrics", headers={"Authorization": "Bearer good"}) as answer:
                assert "rollmodel_" in await answer.text()
            async with session.get(f"http://{address}/healthz") as answer:
                assert answer.status == 200
    finally:
        await server.stop()
