"""How long passes wait for objects that are new."""

from __future__ import annotations

import asyncio

import pytest
from rollmodel.runtime.tasks.arrivals import (
    ARRIVING_SECONDS,
    GIVING_WAY_SECONDS,
    LONGEST_SECONDS,
    STANDSTILL_SECONDS,
    Arrivals,
)
from rollmodel.slots import Pass, Slots, Turn

from tests.support import virtual_time
from tests.support.ticking import Ticking


@pytest.fixture
def time() -> Ticking:
    return Ticking()


@pytest.fixture
def arrivals(time: Ticking) -> Arrivals:
    return Arrivals(time)


def test_where_nothing_is_new_nobody_waits_longer(arrivals: Arrivals) -> None:
    arrivals.begin("a")
    arrivals.end("a")
    arrivals.end("never seen")
    assert arrivals.settle("old", 0.05) == 0.05


def test_the_more_is_new_the_longer_others_wait_but_not_for_ever(arrivals: Arrivals) -> None:
    for number in range(3):
        arrivals.begin(f"uid-{number}")
    assert arrivals.settle("old", 0.05) == pytest.approx(0.2)
    for number in range(500):
        arrivals.begin(f"uid-{number}")
    assert arrivals.settle("old", 0.05) == LONGEST_SECONDS
    assert arrivals.settle("old", 0.0) == 0.0
    assert arrivals.settle("old", 3.0) == 3.0


def test_who_hangs_in_its_first_pass_holds_up_nobody(arrivals: Arrivals, time: Ticking) -> None:
    arrivals.begin("hangs")
    time.now = ARRIVING_SECONDS
    arrivals.begin("a")
    assert arrivals.settle("old", 0.05) == pytest.approx(0.1)


def test_who_makes_its_workload_in_the_second_pass_is_new_until_then(arrivals: Arrivals) -> None:
    """As a training run does, which needs a run in MLflow before."""
    arrivals.begin("a")
    assert arrivals.turn("a") is Turn.FIRST
    arrivals.passed("a", 0.1)
    assert (arrivals.turn("a"), arrivals.settle("a", 0.05)) == (Turn.FIRST, 0.05)
    assert arrivals.settle("old", 0.05) == pytest.approx(0.1)
    arrivals.passed("a", 0.1)
    assert (arrivals.turn("a"), arrivals.settle("old", 0.05)) == (Turn.USUAL, 0.05)


def test_who_waits_for_something_else_is_not_new_any_more(arrivals: Arrivals) -> None:
    arrivals.begin("a")
    arrivals.passed("a", 15.0)
    assert arrivals.turn("a") is Turn.USUAL


async def finished(*tasks: asyncio.Task[None]) -> list[bool]:
    for _ in range(5):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


async def test_who_has_a_workload_waits_for_those_that_have_none(arrivals: Arrivals) -> None:
    for uid in "abc":
        arrivals.begin(uid)
    first, second = (asyncio.create_task(arrivals.arrived(uid)) for uid in "ab")
    assert await finished(first, second) == [False, False]
    assert arrivals.settle("old", 0.05) == pytest.approx(0.1)
    await arrivals.arrived("c")
    assert await finished(first, second) == [True, True]


async def test_the_slot_of_who_gives_way_is_free_for_others(arrivals: Arrivals) -> None:
    slots = Slots(1)

    async def first_pass() -> None:
        async with slots.slot():
            await arrivals.arrived("a")

    arrivals.begin("a")
    arrivals.begin("b")
    task = asyncio.create_task(first_pass())
    assert await finished(task) == [False]
    assert slots.free == 1
    arrivals.end("b")
    assert await finished(task) == [True]


def test_nobody_gives_way_to_those_that_stand_still() -> None:
    async def seconds() -> float:
        loop = asyncio.get_running_loop()
        arrivals, began = Arrivals(loop.time), loop.time()
        for uid in ("hangs", "a"):
            arrivals.begin(uid)
        await arrivals.arrived("a")
        first = loop.time() - began
        await arrivals.settled("a", 0.05)
        assert loop.time() - began - first <= LONGEST_SECONDS
        return first

    assert virtual_time.run(seconds()) == pytest.approx(STANDSTILL_SECONDS)


def test_a_burst_without_an_end_is_waited_for_in_all_passes_together_no_longer_than_allowed() -> None:
    async def seconds() -> float:
        loop = asyncio.get_running_loop()
        arrivals, began = Arrivals(loop.time), loop.time()
        for uid in ("a", *map(str, range(100))):
            arrivals.begin(uid, "team")

        async def come() -> None:
            for number in range(50):
                await asyncio.sleep(1.0)
                arrivals.begin(f"more-{number}", "team")
                others.append(asyncio.create_task(arrivals.arrived(str(number))))

        others: list[asyncio.Task[None]] = []
        coming = asyncio.create_task(come())
        await arrivals.arrived("a")
        for _ in range(3):
            await arrivals.settled("a", 0.0)
        for task in (coming, *others):
            task.cancel()
        return loop.time() - began

    assert virtual_time.run(seconds()) == pytest.approx(GIVING_WAY_SECONDS)


async def test_nobody_gives_way_to_another_namespace(arrivals: Arrivals) -> None:
    arrivals.begin("a", "team")
    arrivals.begin("b", "others")
    assert await finished(asyncio.create_task(arrivals.arrived("a"))) == [True]


async def test_of_who_is_gone_nothing_is_kept(arrivals: Arrivals) -> None:
    for uid in "abc":
        arrivals.begin(uid)
    waiting = asyncio.create_task(arrivals.arrived("a"))
    assert await finished(waiting) == [False]
    for uid in "bc":
        arrivals.forget(uid)
    assert await finished(waiting) == [True]
    arrivals.forget("a")
    assert not any(held for name, held in vars(arrivals).items() if name != "_clock")


async def test_the_next_revision_of_an_object_gives_way_to_nobody(arrivals: Arrivals) -> None:
    arrivals.begin("new")
    assert await finished(asyncio.create_task(arrivals.arrived("served for long"))) == [True]


@pytest.mark.parametrize("places", [16, 64])
def test_on_a_slow_api_server_all_children_come_before_the_rest_of_what_their_owners_need(places: int) -> None:
    """It answers one request at a time. Two make a child, and four more the rest: only the first two are waited for."""
    last = virtual_time.run(_last_child(owners=100, places=places, seconds=0.05))
    assert last == pytest.approx(100 * 2 * 0.05, rel=0.1)


async def _last_child(*, owners: int, places: int, seconds: float) -> float:
    """When the last of so many objects that come at once has its child, in seconds."""
    slots, arrivals, server = Slots(places), Arrivals(asyncio.get_running_loop().time), asyncio.Lock()
    began, came = asyncio.get_running_loop().time(), list[float]()

    async def request() -> None:
        async with server:
            await asyncio.sleep(seconds)

    async def first_pass(uid: str) -> None:
        arrivals.begin(uid)
        async with slots.slot(Pass("team", uid), arrivals.turn(uid)):
            for _ in range(2):
                await request()
            came.append(asyncio.get_running_loop().time() - began)
            await arrivals.arrived(uid)
            for _ in range(4):
                await request()

    await asyncio.gather(*(first_pass(str(number)) for number in range(owners)))
    return max(came)
