"""Probes: bad when nothing gets done, not only when nothing runs."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from rollmodel.runtime.health import SILENT_SECONDS, STILL_SECONDS, STUCK_SECONDS, Health, Server
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.watchdog import Watchdog


@dataclass
class Watches:
    """The watches as health sees them."""

    complete: bool = True
    silent: float = 0.0
    still: float = 0.0

    def silence(self) -> float:
        return self.silent

    def stillness(self) -> float:
        return self.still


@dataclass
class Election:
    """The election as health sees it."""

    problem: str | None = None


@dataclass
class Time:
    """Monotonic seconds."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def health(watches: Watches, watchdog: Watchdog | None = None, *, started: bool = True) -> Health:
    health = Health(watches, watchdog or Watchdog())
    health.started = started
    return health


def test_all_is_well() -> None:
    assert health(Watches()).live() == health(Watches()).ready() == []


def test_watches_that_do_nothing_are_bad() -> None:
    assert "have done nothing" in health(Watches(still=STILL_SECONDS + 1)).live()[0]


def test_an_api_server_that_is_down_is_no_reason_for_a_restart() -> None:
    judged = health(Watches(silent=SILENT_SECONDS + 1))
    assert judged.live() == []
    assert "has not been heard" in judged.ready()[0]


@pytest.mark.parametrize(("complete", "started"), [(False, True), (True, False)])
def test_what_has_not_begun_is_alive_but_not_ready(complete: bool, started: bool) -> None:
    judged = health(Watches(complete=complete), started=started)
    assert judged.live() == []
    assert len(judged.ready()) == 1


def test_one_that_stands_by_is_ready_to_take_over() -> None:
    judged = Health(Watches(), Watchdog(), Election())
    judged.standby = True
    assert judged.ready() == []


@pytest.mark.parametrize(
    ("election", "watches", "words"),
    [
        (Election("the Lease cannot be read"), Watches(), "the Lease cannot be read"),
        (Election(), Watches(complete=False), "not been listed"),
    ],
)
def test_one_that_could_not_take_over_is_not(election: Election, watches: Watches, words: str) -> None:
    judged = Health(watches, Watchdog(), election)
    judged.standby = True
    assert judged.live() == []
    assert words in judged.ready()[0]


def test_passes_that_are_due_and_never_end_are_bad() -> None:
    time = Time()
    watchdog = Watchdog(time)
    with watchdog.due():
        time.now = STUCK_SECONDS + 1
        assert "passes are due" in health(Watches(), watchdog).live()[0]


def test_one_that_hangs_among_others_that_end_is_not() -> None:
    time = Time()
    watchdog = Watchdog(time)
    with watchdog.due():
        time.now = STUCK_SECONDS + 1
        with watchdog.due():
            pass
        assert health(Watches(), watchdog).live() == []


def test_nothing_due_is_never_stuck() -> None:
    time = Time()
    watchdog = Watchdog(time)
    time.now = 10 * STUCK_SECONDS
    assert watchdog.stuck() == 0
    with watchdog.due():
        assert watchdog.stuck() == 0


def free_address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("shared", [True, False], ids=["one address", "two addresses"])
async def test_the_pages(session: aiohttp.ClientSession, shared: bool) -> None:
    watches, address = Watches(), free_address()
    metrics = address if shared else free_address()
    server = Server(health(watches), Instruments().registry)
    await server.start(health=address, metrics=metrics)
    try:
        async with session.get(f"http://{address}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok")
        async with session.get(f"http://{metrics}/metrics") as answer:
            assert "rollmodel_reconcile" in await answer.text()
        watches.complete = False
        async with session.get(f"http://{address}/readyz") as answer:
            assert answer.status == 503
    finally:
        await server.stop()
