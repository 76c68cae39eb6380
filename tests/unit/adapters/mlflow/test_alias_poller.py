"""One poll per alias, and followers that are woken when the answer changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from rollmodel.adapters.mlflow import alias_poller as module
from rollmodel.adapters.mlflow.alias_poller import AliasPoller
from rollmodel.errors import NotAnsweredYet, NotFound, Unavailable
from rollmodel.ports.registry import Connection

HERE = Connection("http://mlflow")
TOPIC = (HERE, "churn", "challenger")
DOWN = Unavailable("MLflow did not answer")
GONE = NotFound("no such alias")


@dataclass
class Registry:
    """Answers what the test says, and counts; each poll waits for the test's leave."""

    answer: str | Exception = "1"
    asked: list[tuple[Connection, str, str]] = field(default_factory=list)
    leave: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    done: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def lookup(self, connection: Connection, name: str, alias: str) -> str:
        await self.leave.acquire()
        self.asked.append((connection, name, alias))
        self.done.release()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def poll(self, answer: str | Exception) -> None:
        """Let one poll happen, with this answer."""
        self.answer = answer
        self.leave.release()
        async with asyncio.timeout(10):
            await self.done.acquire()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def feed(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AliasPoller[str]]:
    """The interval is long, but a poll follows at once: only the test's leave decides when."""
    monkeypatch.setattr(module, "spread", lambda seconds: 0.0)
    feed = AliasPoller(registry.lookup, interval=1000.0)
    yield feed
    feed.close()


@pytest.fixture
def woken() -> list[str]:
    return []


async def test_many_followers_cost_one_poll(feed: AliasPoller[str], registry: Registry) -> None:
    for _ in range(50):
        feed.follow(*TOPIC, lambda: None)
    await registry.poll("1")
    assert await asyncio.gather(*(feed.latest(*TOPIC) for _ in range(50))) == ["1"] * 50
    assert registry.asked == [TOPIC]


async def test_followers_are_woken_by_changes_only(
    feed: AliasPoller[str], registry: Registry, woken: list[str]
) -> None:
    feed.follow(*TOPIC, lambda: woken.append("a"))
    feed.follow(*TOPIC, lambda: woken.append("b"))
    await registry.poll("1")
    await registry.poll("1")
    assert woken == []
    await registry.poll("2")
    assert woken == ["a", "b"]
    assert await feed.latest(*TOPIC) == "2"


async def test_a_hiccup_is_nothing(feed: AliasPoller[str], registry: Registry, woken: list[str]) -> None:
    feed.follow(*TOPIC, lambda: woken.append("a"))
    await registry.poll("1")
    await registry.poll(DOWN)
    assert await feed.latest(*TOPIC) == "1"
    assert woken == []


async def test_an_outage_is_told_and_so_is_its_end(
    feed: AliasPoller[str], registry: Registry, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.follow(*TOPIC, lambda: woken.append("a"))
    await registry.poll("1")
    monkeypatch.setattr(module, "_HICCUP", 0)
    await registry.poll(DOWN)
    assert woken == ["a"]
    with pytest.raises(Unavailable):
        await feed.latest(*TOPIC)
    await registry.poll("1")
    assert woken == ["a", "a"]
    assert await feed.latest(*TOPIC) == "1"


async def test_an_alias_that_is_gone_is_gone_at_once(
    feed: AliasPoller[str], registry: Registry, woken: list[str]
) -> None:
    feed.follow(*TOPIC, lambda: woken.append("a"))
    await registry.poll("1")
    await registry.poll(GONE)
    assert woken == ["a"]
    with pytest.raises(NotFound):
        await feed.latest(*TOPIC)


async def test_a_bug_is_logged_and_does_not_end_the_polling(
    feed: AliasPoller[str], registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    feed.follow(*TOPIC, lambda: None)
    await registry.poll(AttributeError("half a module"))
    with pytest.raises(Unavailable, match="log says why"):
        await feed.latest(*TOPIC)
    assert "half a module" in caplog.text
    await registry.poll("1")
    assert await feed.latest(*TOPIC) == "1"


async def test_who_asks_first_waits_for_the_answer(feed: AliasPoller[str], registry: Registry) -> None:
    feed.follow(*TOPIC, lambda: None)
    asking = asyncio.create_task(feed.latest(*TOPIC))
    await asyncio.sleep(0)
    assert not asking.done()
    await registry.poll("1")
    assert await asking == "1"


async def test_but_not_for_ever(feed: AliasPoller[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 0.01)
    feed.follow(*TOPIC, lambda: None)
    with pytest.raises(NotAnsweredYet, match="not answered yet"):
        await feed.latest(*TOPIC)


async def test_a_long_silence_is_an_outage(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 0.01)
    feed = AliasPoller(registry.lookup, interval=0.001)
    feed.follow(*TOPIC, lambda: None)
    with pytest.raises(Unavailable, match="not answered yet") as silence:
        await feed.latest(*TOPIC)
    assert silence.value.reason == "Unavailable"
    feed.close()


async def test_an_answer_that_is_old_news_is_asked_for_anew(
    feed: AliasPoller[str], registry: Registry, woken: list[str]
) -> None:
    """Another operator has heard of version 2, and wrote it down, before our next poll."""
    feed.follow(*TOPIC, lambda: woken.append("a"))
    await registry.poll("1")
    since = time.monotonic()

    def stale(answer: str, looked: float) -> bool:
        return answer != "2" and looked < since

    asking = asyncio.create_task(feed.latest(*TOPIC, stale=stale))
    await registry.poll("2")
    await registry.poll("2")
    assert await asking == "2"
    assert woken == ["a"]
    assert await feed.latest(*TOPIC, stale=stale) == "2"


async def test_an_answer_that_is_newer_is_believed(feed: AliasPoller[str], registry: Registry) -> None:
    """The alias moved since: that costs no question of one's own."""
    since = time.monotonic()
    feed.follow(*TOPIC, lambda: None)
    await registry.poll("3")
    assert await feed.latest(*TOPIC, stale=lambda answer, looked: answer != "2" and looked < since) == "3"
    assert len(registry.asked) == 1


async def test_who_gave_up_is_woken_by_the_first_answer(
    feed: AliasPoller[str], registry: Registry, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 0.0)
    feed.follow(*TOPIC, lambda: woken.append("a"))
    with pytest.raises(Unavailable):
        await feed.latest(*TOPIC)
    await registry.poll("1")
    assert woken == ["a"]


async def test_the_last_to_leave_ends_the_polling(feed: AliasPoller[str], registry: Registry) -> None:
    first, second = (feed.follow(*TOPIC, lambda: None) for _ in range(2))
    await registry.poll("1")
    first.close()
    await registry.poll("1")
    second.close()
    second.close()
    registry.leave.release()
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(registry.asked) == 2


async def test_who_does_not_follow_asks_each_time(feed: AliasPoller[str], registry: Registry) -> None:
    for _ in range(2):
        registry.leave.release()
        await feed.latest(*TOPIC)
    assert len(registry.asked) == 2


async def test_two_logins_never_share_an_answer(feed: AliasPoller[str], registry: Registry) -> None:
    other = (Connection("http://mlflow", token="theirs"), "churn", "challenger")
    feed.follow(*TOPIC, lambda: None)
    feed.follow(*other, lambda: None)
    await registry.poll("1")
    await registry.poll("1")
    assert set(registry.asked) == {TOPIC, other}


async def test_an_answer_from_before_a_change_is_asked_for_anew_once_for_all(
    feed: AliasPoller[str], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "spread", lambda seconds: seconds)
    for _ in range(50):
        feed.follow(*TOPIC, lambda: None)
    await registry.poll("1")
    changed = time.monotonic()
    asking = [asyncio.create_task(feed.latest(*TOPIC, not_before=changed)) for _ in range(50)]
    await registry.poll("2")
    assert await asyncio.gather(*asking) == ["2"] * 50
    assert registry.asked == [TOPIC] * 2
    assert await feed.latest(*TOPIC, not_before=changed) == "2"
    assert registry.asked == [TOPIC] * 2


async def test_what_was_not_there_before_a_change_is_asked_for_anew(
    feed: AliasPoller[str], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "spread", lambda seconds: seconds)
    feed.follow(*TOPIC, lambda: None)
    await registry.poll(GONE)
    with pytest.raises(NotFound):
        await feed.latest(*TOPIC)
    asking = asyncio.create_task(feed.latest(*TOPIC, not_before=time.monotonic()))
    await registry.poll("1")
    assert await asking == "1"


async def test_a_registry_that_hangs_after_a_change_leaves_the_last_answer(
    feed: AliasPoller[str], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "spread", lambda seconds: seconds)
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 0.05)
    feed.follow(*TOPIC, lambda: None)
    await registry.poll("1")
    changed = time.monotonic()
    assert await feed.latest(*TOPIC, not_before=changed) == "1"
    monkeypatch.setattr(module, "FIRST_ANSWER_SECONDS", 1000.0)
    assert await feed.latest(*TOPIC, not_before=changed) == "1", "waited for once"


async def test_when_the_registry_was_read(feed: AliasPoller[str], registry: Registry) -> None:
    handle = feed.follow(*TOPIC, lambda: None)
    began = time.monotonic()
    await registry.poll("1")
    first = handle.read_at
    assert first == pytest.approx(began, abs=5.0)
    await registry.poll(DOWN)
    assert handle.read_at == first  # an outage is no answer
    await registry.poll(GONE)
    assert handle.read_at > first  # that there is no such alias is one
