"""Slots go to tenants in turn, and code knows whose pass it is part of."""

from __future__ import annotations

import asyncio

from rollmodel.slots import Pass, Slots, beside_the_pass, current_pass, waiting_for_neighbour

from tests.support.eventually import turns


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
