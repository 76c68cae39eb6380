"""Owners take turns, and what is urgent overtakes its own owner's only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest
from rollmodel.adapters.fair_queue import FairQueue, Turn


@pytest.fixture
def turns() -> Iterator[Iterator[Turn]]:
    """New turns, numbered as they come."""
    loop = asyncio.new_event_loop()
    yield ((number, loop.create_future()) for number in count())
    loop.close()


def _served(queue: FairQueue, *, but: str | None = None) -> list[int]:
    """The numbers of those who wait, in the order in which they begin; this owner may not."""
    numbers = []
    while (found := queue.first(lambda owner: owner != but)) is not None:
        numbers.append(found[1][0])
        queue.take(found[0])
    return numbers


def test_who_has_much_to_do_waits_for_who_has_little(turns: Iterator[Turn]) -> None:
    queue = FairQueue()
    for owner in ("much", "much", "much", "little", "some", "some"):
        queue.add(owner, next(turns), urgent=False)
    assert _served(queue) == [0, 3, 4, 1, 5, 2]
    assert not queue


def test_what_is_urgent_overtakes_its_own_only(turns: Iterator[Turn]) -> None:
    queue = FairQueue()
    queue.add("a", next(turns), urgent=False)
    queue.add("b", next(turns), urgent=False)
    queue.add("b", next(turns), urgent=True)
    queue.add("b", next(turns), urgent=True)
    assert _served(queue) == [0, 2, 3, 1]


def test_who_may_not_begin_keeps_nobody_else_waiting(turns: Iterator[Turn]) -> None:
    queue = FairQueue()
    for owner in ("full", "free", "full", "free"):
        queue.add(owner, next(turns), urgent=False)
    assert _served(queue, but="full") == [1, 3]
    assert _served(queue) == [0, 2]


def test_who_gave_up_waits_no_more(turns: Iterator[Turn]) -> None:
    queue, first, urgent, gone = FairQueue(), next(turns), next(turns), next(turns)
    queue.add("a", first, urgent=False)
    queue.add("a", urgent, urgent=True)
    queue.discard("a", urgent)
    queue.discard("a", gone)
    queue.discard("nobody", gone)
    assert _served(queue) == [0]
    queue.add("a", gone, urgent=False)
    queue.discard("a", gone)
    assert not queue
