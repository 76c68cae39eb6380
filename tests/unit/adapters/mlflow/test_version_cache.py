"""Fixed versions are looked up beside the pass: who has an answer never waits, and who has none not for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from rollmodel.adapters.mlflow import version_cache as module
from rollmodel.adapters.mlflow.version_cache import BELIEVED_SECONDS, RENEWAL_SECONDS, VersionCache
from rollmodel.errors import NotFound, RollmodelError, Unavailable
from rollmodel.ports.registry import Connection
from rollmodel.slots import Slots

from tests.support.eventually import turns

HERE = Connection("http://mlflow")
PIN = (HERE, "churn", "1")


@dataclass
class Registry:
    """Answers when the test lets it."""

    answer: str | RollmodelError = "as it was"
    asked: int = 0
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def lookup(self, connection: Connection, name: str, version: str) -> str:
        self.asked += 1
        await self.leave.wait()
        if isinstance(self.answer, RollmodelError):
            raise self.answer
        return self.answer


@dataclass
class Time:
    """Runs by itself, and further when the test says so."""

    ahead: float = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.leave.set()
    return registry


@pytest.fixture
async def cache(registry: Registry) -> AsyncIterator[VersionCache[str]]:
    cache = VersionCache(registry.lookup)
    yield cache
    cache.close()
    await turns()


async def test_it_is_asked_for_once_however_many_name_it(cache: VersionCache[str], registry: Registry) -> None:
    registry.leave.clear()
    asking = [asyncio.create_task(cache.get(*PIN)) for _ in range(50)]
    await turns()
    registry.leave.set()
    assert await asyncio.gather(*asking) == ["as it was"] * 50
    await cache.get(*PIN)
    assert registry.asked == 1


async def test_a_registry_that_hangs_is_waited_for_once_and_not_for_long(
    cache: VersionCache[str], registry: Registry, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 0.05)
    registry.leave.clear()
    with pytest.raises(Unavailable, match="not answered yet"):
        await cache.get(*PIN)
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 60.0)
    clock.ahead += 61.0
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable, match="not answered yet"):
            await cache.get(*PIN)
    assert registry.asked == 1
    registry.leave.set()
    await turns()
    assert await cache.get(*PIN) == "as it was"


async def test_who_waits_holds_no_slot(cache: VersionCache[str], registry: Registry) -> None:
    slots = Slots(1)
    registry.leave.clear()

    async def a_pass() -> str:
        async with slots.slot():
            return await cache.get(*PIN)

    task = asyncio.create_task(a_pass())
    await turns()
    assert slots.free == 1
    registry.leave.set()
    assert await task == "as it was"


async def test_it_is_renewed_while_the_old_answer_serves(
    cache: VersionCache[str], registry: Registry, clock: Time
) -> None:
    await cache.get(*PIN)
    registry.answer = "with a new tag"
    registry.leave.clear()
    clock.ahead += BELIEVED_SECONDS
    assert await cache.get(*PIN) == "as it was"
    registry.leave.set()
    await turns()
    assert await cache.get(*PIN) == "with a new tag"
    assert registry.asked == 2


async def test_an_answer_does_not_serve_for_ever(
    cache: VersionCache[str], registry: Registry, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 0.05)
    await cache.get(*PIN)
    registry.leave.clear()
    clock.ahead += BELIEVED_SECONDS + RENEWAL_SECONDS
    with pytest.raises(Unavailable):
        await cache.get(*PIN)


async def test_a_version_that_was_deleted_is_gone(cache: VersionCache[str], registry: Registry, clock: Time) -> None:
    await cache.get(*PIN)
    registry.answer = NotFound("no such version")
    clock.ahead += BELIEVED_SECONDS
    await cache.get(*PIN)
    await turns()
    with pytest.raises(NotFound):
        await cache.get(*PIN)


async def test_a_failure_is_not_remembered(cache: VersionCache[str], registry: Registry) -> None:
    registry.answer = Unavailable("down")
    with pytest.raises(Unavailable, match="down"):
        await cache.get(*PIN)
    registry.answer = "as it was"
    assert await cache.get(*PIN) == "as it was"


async def test_a_bug_is_logged(
    cache: VersionCache[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def wrong(connection: Connection, name: str, version: str) -> str:
        raise ValueError("half a module")

    monkeypatch.setattr(cache, "_lookup", wrong)
    with pytest.raises(ValueError, match="half a module"):
        await cache.get(*PIN)
    await turns()
    assert "half a module" in caplog.text


async def test_old_answers_are_forgotten(cache: VersionCache[str], clock: Time) -> None:
    for number in range(5):
        await cache.get(HERE, "churn", str(number))
        clock.ahead += BELIEVED_SECONDS + RENEWAL_SECONDS
    assert len(cache._known) == 1
