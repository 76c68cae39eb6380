"""Whatever happens to passes, in whatever order: no slot is lost, and none is made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.slots import Pass, Slots, waiting_for_neighbour

from tests.support.eventually import turns


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
