"""A pass that waits for a neighbour holds no slot."""

from __future__ import annotations

import asyncio

from rollmodel.slots import Slots, Turn, beside_the_pass, waiting_for_neighbour

from tests.support.eventually import turns


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
