"""Threads that are shared fairly, and for a bounded time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.adapters.bulkhead import Bulkhead, Lane
from rollmodel.ports.registry import Connection
from rollmodel.slots import Slots

PATIENCE = 10.0


def lane(host: str, tenant: str | None = None) -> Lane:
    return Lane.to(f"http://{host}", tenant)


@dataclass
class Hanging:
    """Work that hangs until the test lets it go."""

    lanes: Bulkhead
    release: threading.Event = field(default_factory=threading.Event)
    begun: dict[Lane, int] = field(default_factory=dict)
    tasks: list[asyncio.Task[object]] = field(default_factory=list)

    def hang(self, where: Lane, number: int = 1, owner: str | None = None) -> list[asyncio.Task[object]]:
        def work() -> bool:
            self.begun[where] = self.begun.get(where, 0) + 1
            return self.release.wait(60)

        new = [asyncio.create_task(self.lanes.run(where, work, seconds=60, owner=owner)) for _ in range(number)]
        self.tasks += new
        return list(new)

    async def running(self, where: Lane, number: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.begun.get(where, 0) < number:  # noqa: ASYNC110 - set by threads
                await asyncio.sleep(0.001)


@pytest.fixture
def lanes() -> Iterator[Bulkhead]:
    lanes = Bulkhead("test", threads=4, per_lane=2)
    yield lanes
    lanes.close()


@pytest.fixture
async def hanging(lanes: Bulkhead) -> AsyncIterator[Hanging]:
    hanging = Hanging(lanes)
    yield hanging
    hanging.release.set()
    await asyncio.gather(*hanging.tasks, return_exceptions=True)


async def quick(lanes: Bulkhead, where: Lane, owner: str | None = None) -> str:
    async with asyncio.timeout(PATIENCE):
        return await lanes.run(where, lambda: "answer", seconds=PATIENCE, owner=owner)


async def test_work_is_done_in_a_thread(lanes: Bulkhead) -> None:
    name = await lanes.run(lane("a"), lambda: threading.current_thread().name, seconds=PATIENCE)
    assert name.startswith("test")


async def test_errors_come_through(lanes: Bulkhead) -> None:
    with pytest.raises(ZeroDivisionError):
        await lanes.run(lane("a"), lambda: 1 / 0, seconds=PATIENCE)


async def test_one_that_hangs_does_not_stop_the_others(lanes: Bulkhead, hanging: Hanging) -> None:
    tasks = hanging.hang(lane("slow"), 10)
    assert await quick(lanes, lane("quick")) == "answer"
    assert not any(task.done() for task in tasks)
    hanging.release.set()
    assert await asyncio.gather(*tasks) == [True] * 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://mlflow/team-a", "http://mlflow:80/team-b/", True),
        ("https://mlflow", "https://MLflow:443/x", True),
        ("http://mlflow", "https://mlflow", False),
        ("http://mlflow:5000", "http://mlflow:5001", False),
    ],
)
def test_a_lane_is_to_a_server_whatever_the_path(one: str, other: str, same: bool) -> None:
    assert (Lane.of(Connection(one)) == Lane.of(Connection(other))) is same


async def test_a_tenant_with_many_hosts_leaves_threads_to_the_others(lanes: Bulkhead, hanging: Hanging) -> None:
    for number in range(8):
        hanging.hang(lane(f"slow-{number}", "greedy"))
    assert await quick(lanes, lane("theirs", "modest")) == "answer"
    assert await quick(lanes, lane("ours")) == "answer"
    assert sum(hanging.begun.values()) == 2


async def test_tenants_together_leave_threads_to_the_operators_own(lanes: Bulkhead, hanging: Hanging) -> None:
    for number in range(8):
        hanging.hang(lane(f"slow-{number}", f"tenant-{number}"))
    assert await quick(lanes, lane("ours")) == "answer"


async def test_who_has_the_fewest_threads_goes_first(lanes: Bulkhead, hanging: Hanging) -> None:
    third = Hanging(lanes)
    hanging.hang(lane("a", "greedy"))
    await hanging.running(lane("a", "greedy"), 1)
    third.hang(lane("c", "third"))
    await third.running(lane("c", "third"), 1)
    hanging.hang(lane("b", "greedy"))  # tenants together have all they may have: these two wait
    hanging.hang(lane("d", "modest"))
    await asyncio.sleep(0)
    third.release.set()
    await asyncio.gather(*third.tasks)
    await hanging.running(lane("d", "modest"), 1)


async def test_one_object_with_many_queries_leaves_threads_to_others_of_its_namespace() -> None:
    """As the evidence of Prometheus is asked for: all by one address, nothing kept."""
    lanes = Bulkhead("test", threads=8, per_lane=8, kept=0)
    theirs, others = Hanging(lanes), lane("prometheus", "modest")
    try:
        for _ in range(20):
            theirs.hang(lane("prometheus", "greedy"), owner="slow")
        await theirs.running(lane("prometheus", "greedy"), 2)
        assert await quick(lanes, lane("prometheus", "greedy"), owner="quick") == "answer"
        for number in range(20):
            theirs.hang(lane("prometheus", "greedy"), owner=f"slow-{number}")
        await theirs.running(lane("prometheus", "greedy"), 4)
        assert await quick(lanes, others, owner="theirs") == "answer"
        assert theirs.begun == {lane("prometheus", "greedy"): 4}
    finally:
        theirs.release.set()
        await asyncio.gather(*theirs.tasks, return_exceptions=True)
        lanes.close()


async def test_the_objects_of_a_tenant_take_turns() -> None:
    lanes, order = Bulkhead("test", threads=1, per_lane=1, kept=0), list[str]()
    where = lane("prometheus", "team")
    await asyncio.gather(
        *(lanes.run(where, lambda: order.append("many"), seconds=PATIENCE, owner="many") for _ in range(5)),
        lanes.run(where, lambda: order.append("one"), seconds=PATIENCE, owner="one"),
    )
    assert order.index("one") <= 2
    lanes.close()


async def test_work_that_nobody_waits_for_any_more_still_counts(lanes: Bulkhead, hanging: Hanging) -> None:
    given_up = hanging.hang(lane("slow"), 2)
    await hanging.running(lane("slow"), 2)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    waiting = hanging.hang(lane("slow"), 4)
    assert await quick(lanes, lane("quick")) == "answer"
    assert not any(task.done() for task in waiting)
    hanging.release.set()
    assert await asyncio.gather(*waiting) == [True] * 4


async def test_what_takes_too_long_is_given_up(lanes: Bulkhead, hanging: Hanging) -> None:
    with pytest.raises(TimeoutError):
        await lanes.run(lane("slow"), lambda: hanging.release.wait(60), seconds=0.05)


async def test_so_is_what_waits_too_long_for_its_turn(lanes: Bulkhead, hanging: Hanging) -> None:
    hanging.hang(lane("slow"), 2)
    await hanging.running(lane("slow"), 2)
    with pytest.raises(TimeoutError):
        await lanes.run(lane("slow"), lambda: None, seconds=PATIENCE, total=0.05)
    hanging.release.set()
    assert await quick(lanes, lane("slow")) == "answer"


async def test_it_is_prepared_once_before_any_clock_runs() -> None:
    prepared: list[str] = []

    def prepare() -> None:
        prepared.append("once")
        threading.Event().wait(0.2)

    lanes = Bulkhead("test", threads=4, per_lane=2, initializer=prepare)
    try:
        answers = (lanes.run(lane("a"), lambda: len(prepared), seconds=0.1) for _ in range(5))
        assert await asyncio.gather(*answers) == [1] * 5
    finally:
        lanes.close()


async def test_lanes_that_nobody_uses_are_forgotten(lanes: Bulkhead) -> None:
    for number in range(5):
        await lanes.run(lane(str(number), str(number)), lambda: None, seconds=PATIENCE)
    for _ in range(100):
        await asyncio.sleep(0)
    assert (lanes._queues, lanes._by_address, lanes._by_tenant) == ({}, {}, {})


async def test_a_pass_that_waits_for_its_answer_holds_no_slot(lanes: Bulkhead, hanging: Hanging) -> None:
    slots = Slots(1)

    async def a_pass(work: Callable[[], object]) -> None:
        async with slots.slot():
            await lanes.run(lane("slow"), work, seconds=60)
            assert slots.free == 0

    task = asyncio.create_task(a_pass(lambda: hanging.release.wait(60)))
    async with asyncio.timeout(PATIENCE), slots.slot():
        assert not task.done()
    hanging.release.set()
    await task
    assert slots.free == 1


LANES = [lane("a"), lane("a", "x"), lane("b", "x"), lane("c", "x"), lane("c", "y"), lane("d", "y"), lane("e", "z")]


@given(st.lists(st.tuples(st.sampled_from(LANES), st.none() | st.integers(0, 5)), max_size=14))
def test_whoever_comes_and_gives_up_no_thread_is_lost(calls: list[tuple[Lane, int | None]]) -> None:
    """Calls of many tenants, some given up after so many turns of the loop: then everybody is served still."""

    async def run() -> None:
        lanes = Bulkhead("test", threads=4, per_lane=2)
        try:
            tasks = [asyncio.create_task(lanes.run(where, lambda: None, seconds=PATIENCE)) for where, _ in calls]
            for turn in range(6):
                for task, (_, end) in zip(tasks, calls, strict=True):
                    if end == turn:
                        task.cancel()
                await asyncio.sleep(0)
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*tasks, return_exceptions=True)
            async with asyncio.timeout(PATIENCE):
                while lanes._by_tenant:  # noqa: ASYNC110 - threads that nobody waits for end by themselves
                    await asyncio.sleep(0.001)
            assert lanes._queues == {}
            assert lanes._by_address == {}
        finally:
            lanes.close()

    asyncio.run(run())


async def test_what_is_urgent_goes_first_of_its_owner(lanes: Bulkhead, hanging: Hanging) -> None:
    done: list[str] = []

    def wait_for(name: str, owner: str, *, urgent: bool = False) -> asyncio.Task[None]:
        work = partial(lanes.run, lane("a"), lambda: done.append(name), seconds=60, owner=owner, urgent=urgent)
        return asyncio.create_task(work())

    hanging.hang(lane("a"), 1, "mine")
    hanging.hang(lane("a"), 1, "hers")
    await hanging.running(lane("a"), 2)  # all that this host gets
    waiting = [wait_for("usual", "mine"), wait_for("other", "hers")]
    await asyncio.sleep(0)
    waiting += [wait_for("urgent", "mine", urgent=True), wait_for("later", "mine", urgent=True)]
    gone = wait_for("gone", "mine", urgent=True)
    await asyncio.sleep(0)
    gone.cancel()
    hanging.release.set()
    await asyncio.gather(*waiting)
    assert [name for name in done if name != "other"] == ["urgent", "later", "usual"]
