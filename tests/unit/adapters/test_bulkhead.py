"""Threads that are shared fairly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from rollmodel.adapters.bulkhead import Bulkhead


@pytest.fixture
def lanes() -> Iterator[Bulkhead]:
    lanes = Bulkhead("test", threads=4, per_lane=2)
    yield lanes
    lanes.close()


async def test_work_is_done_in_a_thread(lanes: Bulkhead) -> None:
    assert (await lanes.run("a", lambda: threading.current_thread().name)).startswith("test")


async def test_errors_come_through(lanes: Bulkhead) -> None:
    with pytest.raises(ZeroDivisionError):
        await lanes.run("a", lambda: 1 / 0)


async def test_one_that_hangs_does_not_stop_the_others(lanes: Bulkhead) -> None:
    release = threading.Event()
    hanging = [asyncio.create_task(lanes.run("slow", release.wait)) for _ in range(10)]
    try:
        async with asyncio.timeout(10):
            assert await lanes.run("quick", lambda: "answer") == "answer"
        assert not any(task.done() for task in hanging)
    finally:
        release.set()
    assert await asyncio.gather(*hanging) == [True] * 10


async def test_work_that_nobody_waits_for_any_more_still_counts(lanes: Bulkhead) -> None:
    release, begun = threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        begun.release()
        release.wait()

    given_up = [asyncio.create_task(lanes.run("slow", hang)) for _ in range(2)]
    for _ in given_up:
        assert await asyncio.to_thread(begun.acquire, timeout=10)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    waiting = [asyncio.create_task(lanes.run("slow", lambda: "done")) for _ in range(4)]
    try:
        async with asyncio.timeout(10):
            assert await lanes.run("quick", lambda: "answer") == "answer"
        assert not any(task.done() for task in waiting)
    finally:
        release.set()
    assert await asyncio.gather(*waiting) == ["done"] * 4


async def test_lanes_that_nobody_uses_are_forgotten(lanes: Bulkhead) -> None:
    for number in range(5):
        await lanes.run(str(number), lambda: None)
    assert len(lanes._lanes) <= 1
