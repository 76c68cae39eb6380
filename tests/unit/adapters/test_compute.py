"""Long computations: one tenant's fill one thread, and another tenant's begins at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from rollmodel.adapters.compute import ComputeThreads
from rollmodel.slots import Pass, Slots

PATIENCE = 10.0


@pytest.fixture
async def compute() -> AsyncIterator[ComputeThreads]:
    compute = ComputeThreads()
    yield compute
    compute.close()


async def test_it_runs_beside_the_event_loop(compute: ComputeThreads) -> None:
    assert await compute.run(threading.get_ident) != threading.get_ident()


async def test_what_it_raises_is_raised(compute: ComputeThreads) -> None:
    def work() -> None:
        raise KeyError("no such revision")

    with pytest.raises(KeyError, match="no such revision"):
        await compute.run(work)


@pytest.mark.parametrize("each", [1, 12])
async def test_however_much_one_tenant_computes_anothers_begins(compute: ComputeThreads, each: int) -> None:
    done, begun, slots = threading.Event(), threading.Semaphore(0), Slots(4)

    def hostile() -> bool:
        begun.release()
        return done.wait(PATIENCE)

    async def a_pass(tenant: str, owner: int) -> bool:
        async with slots.slot(Pass(tenant, f"{tenant}-{owner}")):
            return await compute.run(hostile if tenant == "hostile" else lambda: not done.is_set())

    theirs = [asyncio.create_task(a_pass("hostile", owner)) for owner in range(each)]
    try:
        assert await asyncio.to_thread(begun.acquire, timeout=PATIENCE)
        async with asyncio.timeout(PATIENCE):
            assert await a_pass("innocent", 0)
    finally:
        done.set()
        await asyncio.gather(*theirs)
