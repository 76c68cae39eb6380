"""A pass that waits for a neighbour holds no slot; whatever happens to it, none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.slots import Pass, Slots, Turn, beside_the_pass, current_pass, waiting_for_neighbour


async def turns(number: int = 20) -> None:
    """Let everything that can run do so."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_one_that_waits_for_a_neighbour_lets_others_work() -> None:
    slots, answer, worked = Slots(1), asyncio.Event(), []

    async def waiting() -> None:
        async with slots.slot():
            async with waiting_for_neighbour():
                await answer.wait()
            worked.append("waited")

    async def working() -> None:
        async with slots.slot():
            worked.append("worked")

    task = asyncio.create_task(waiting())
    await turns()
    async with asyncio.timeout(10):
        await working()
    answer.set()
    await task
    assert worked == ["worked", "waited"]
    assert slots.free == 1


async def test_who_comes_back_goes_before_who_begins() -> None:
    slots, answer, leave, order = Slots(1), asyncio.Event(), asyncio.Event(), []

    async def waiting() -> None:
        async with slots.slot():
            async with waiting_for_neighbour():
                await answer.wait()
            order.append("back")

    async def holding() -> None:
        async with slots.slot():
            await leave.wait()

    async def new() -> None:
        async with slots.slot():
            order.append("new")

    tasks = [asyncio.create_task(waiting())]
    await turns()
    tasks.append(asyncio.create_task(holding()))
    await turns()
    tasks.append(asyncio.create_task(new()))
    await turns()
    answer.set()
    await turns()
    leave.set()
    await asyncio.gather(*tasks)
    assert order == ["back", "new"]


async def test_new_objects_go_before_what_has_been_looked_at_and_before_who_gave_way() -> None:
    slots, leave, order = Slots(1), asyncio.Event(), list[str]()

    async def giving_way() -> None:
        async with slots.slot():
            async with waiting_for_neighbour(Turn.USUAL):
                await asyncio.sleep(0)
            order.append("gave way")

    async def a_pass(name: str, turn: Turn) -> None:
        async with slots.slot(turn=turn):
            order.append(name)

    async def holding() -> None:
        async with slots.slot():
            await leave.wait()

    tasks = [asyncio.create_task(one) for one in (giving_way(), holding(), a_pass("usual", Turn.USUAL))]
    await turns()
    tasks.append(asyncio.create_task(a_pass("new", Turn.FIRST)))
    await turns()
    leave.set()
    await asyncio.gather(*tasks)
    assert order[0] == "new"
    assert sorted(order[1:]) == ["gave way", "usual"]


async def test_it_works_again_only_with_a_slot() -> None:
    slots, answer, leave, back = Slots(1), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def waiting() -> None:
        async with slots.slot():
            async with waiting_for_neighbour():
                await answer.wait()
            back.set()

    async def holding() -> None:
        async with slots.slot():
            await leave.wait()

    first = asyncio.create_task(waiting())
    await turns()
    second = asyncio.create_task(holding())
    await turns()
    answer.set()
    await turns()
    assert not back.is_set()
    leave.set()
    await asyncio.gather(first, second)
    assert back.is_set()


async def test_several_waits_at_once_are_one() -> None:
    """As the queries of a pass: the slot is away until the last has come back."""
    slots, answers = Slots(1), [asyncio.Event() for _ in range(3)]

    async def wait(answer: asyncio.Event) -> None:
        async with waiting_for_neighbour():
            await answer.wait()

    async def a_pass() -> None:
        async with slots.slot():
            await asyncio.gather(*map(wait, answers))
            assert slots.free == 0

    task = asyncio.create_task(a_pass())
    await turns()
    for answer in answers:
        assert slots.free == 1
        answer.set()
        await turns()
    await task
    assert slots.free == 1


async def test_work_that_outlives_the_pass_has_no_part_in_its_slot() -> None:
    slots, leave = Slots(1), asyncio.Event()

    async def poll() -> None:
        async with waiting_for_neighbour():
            await leave.wait()

    async with slots.slot():
        task = beside_the_pass(poll(), name="poll")
        await turns()
        assert slots.free == 0
    leave.set()
    await task
    assert slots.free == 1


async def test_outside_of_a_pass_it_is_nothing() -> None:
    async with waiting_for_neighbour():
        await asyncio.sleep(0)


@dataclass
class Crowd:
    """Passes that play steps, and how many worked at once at most."""

    slots: Slots
    working: int = 0
    most: int = 0
    steps: dict[str, Callable[[], Awaitable[None]]] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = {
            "work": self.work,
            "wait": self.wait,
            "wait at once": self.wait_at_once,
            "cut": self.cut,
            "fail": self.fail,
            "fail at once": self.fail_at_once,
        }

    async def a_pass(self, steps: list[str], tenant: str = "") -> None:
        with suppress(ConnectionError):
            async with self.slots.slot(Pass(tenant)):
                for step in steps:
                    await self.steps[step]()

    async def work(self) -> None:
        self.working += 1
        self.most = max(self.most, self.working)
        try:
            await turns(2)
        finally:
            self.working -= 1

    async def wait(self, number: int = 3) -> None:
        async with waiting_for_neighbour():
            await turns(number)

    async def wait_at_once(self) -> None:
        await asyncio.gather(*(self.wait(number) for number in (1, 4, 2)))

    async def cut(self) -> None:
        """A time-out inside of the wait, after which the pass goes on."""
        async with waiting_for_neighbour():
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await asyncio.Event().wait()

    async def fail(self) -> None:
        async with waiting_for_neighbour():
            await turns(1)
            raise ConnectionError

    async def fail_at_once(self) -> None:
        await asyncio.gather(self.wait(5), self.fail(), self.wait(1))


STEPS = st.sampled_from(["work", "wait", "wait at once", "cut", "work", "wait", "fail", "fail at once"])


@given(
    number=st.integers(1, 3),
    passes=st.lists(st.tuples(st.lists(STEPS, max_size=5), st.none() | st.integers(0, 30)), max_size=8),
)
def test_no_interleaving_loses_or_makes_a_slot(number: int, passes: list[tuple[list[str], int | None]]) -> None:
    """Passes that wait, fail, are cut or are cancelled after so many turns: at any moment the bound holds."""

    async def run() -> None:
        crowd = Crowd(Slots(number))
        tasks = [asyncio.create_task(crowd.a_pass(steps, "ab"[len(steps) % 2])) for steps, _ in passes]
        ends = [ends for _, ends in passes]
        for turn in range(31):
            for task, end in zip(tasks, ends, strict=True):
                if end == turn:
                    task.cancel()
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks, return_exceptions=True)
        await turns()
        assert crowd.most <= number
        assert crowd.slots.free == number
        assert all(task.cancelled() or task.exception() is None for task in tasks)

    asyncio.run(run())


@pytest.mark.parametrize("moment", range(12))
async def test_a_pass_that_is_cut_at_any_moment_leaves_its_slot(moment: int) -> None:
    slots = Slots(1)
    crowd = Crowd(slots)
    steps = ["work", "wait", "work", "wait at once", "work"]
    task, other = asyncio.create_task(crowd.a_pass(steps)), asyncio.create_task(crowd.a_pass(steps))
    await turns(moment)
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(task, other, return_exceptions=True)
    assert other.exception() is None
    assert (slots.free, crowd.most) == (1, 1)


async def work(slots: Slots, tenant: str, order: list[str]) -> None:
    """A pass that works for two turns of the loop."""
    async with slots.slot(Pass(tenant)):
        order.append(tenant)
        await turns(2)


async def test_a_free_slot_goes_to_each_tenant_in_turn() -> None:
    """However many passes of another one came first."""
    slots, order = Slots(1), list[str]()
    tasks = [asyncio.create_task(work(slots, "greedy", order)) for _ in range(100)]
    await turns(1)
    tasks += [asyncio.create_task(work(slots, tenant, order)) for tenant in ("modest", "other")]
    await asyncio.gather(*tasks)
    assert order[:5] == ["greedy", "greedy", "modest", "other", "greedy"]


async def test_what_comes_back_in_one_tenant_does_not_hold_up_another() -> None:
    """Passes that go to a quick registry and back all the time."""
    slots, order = Slots(1), list[str]()

    async def busy() -> None:
        async with slots.slot(Pass("greedy")):
            for _ in range(50):
                async with waiting_for_neighbour():
                    await asyncio.sleep(0)
                order.append("greedy")
                await asyncio.sleep(0)

    tasks = [asyncio.create_task(busy()) for _ in range(20)]
    await turns(30)
    before = len(order)
    tasks.append(asyncio.create_task(work(slots, "modest", order)))
    await asyncio.gather(*tasks)
    assert order.index("modest") - before <= 3


async def test_no_tenant_holds_all_slots() -> None:
    slots, leave, order = Slots(16), asyncio.Event(), list[str]()

    async def hold() -> None:
        async with slots.slot(Pass("greedy")):
            await leave.wait()

    tasks = [asyncio.create_task(hold()) for _ in range(100)]
    await turns()
    assert slots.free == 2
    async with asyncio.timeout(10):
        await work(slots, "modest", order)
    leave.set()
    await asyncio.gather(*tasks)
    assert slots.free == 16


async def test_one_slot_is_enough_for_one_tenant() -> None:
    slots, order = Slots(1), list[str]()
    await asyncio.gather(work(slots, "only", order), work(slots, "only", order))
    assert order == ["only", "only"]


async def test_code_knows_whose_pass_it_is_part_of() -> None:
    async def name() -> Pass | None:
        return current_pass()

    async with Slots(1).slot(Pass("team", "uid")):
        (inside,) = await asyncio.gather(name())
        assert inside == Pass("team", "uid")
    assert current_pass() is None


async def test_work_that_outlives_a_pass_is_still_in_its_name() -> None:
    """Whoever shares something by namespaces asks whose work it is, also of polls that a pass has begun."""
    slots, mine = Slots(1), Pass("team", "uid")

    async def whose() -> Pass | None:
        return current_pass()

    async def begun() -> Pass | None:
        return await beside_the_pass(whose(), name="of a task of the task")

    async with slots.slot(mine):
        tasks = [beside_the_pass(work(), name="test") for work in (whose, begun)]
    assert [await task for task in tasks] == [mine, mine]
    assert await beside_the_pass(whose(), name="of nobody") is None
