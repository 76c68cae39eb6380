"""Objects whose registry accepts and never answers delay nobody else: 48 of them, with 16 slots, over real sockets."""

from __future__ import annotations

import pytest

from tests.bench.hanging import Hostile, delays

#: One tick of the innocent rollout, in seconds. With slots held by who waits it takes 10 s and more.
TICK = 4.0


@pytest.mark.parametrize("hostile", ["pinned", "alias", "training"])
async def test_nobody_is_delayed_by_more_than_a_tick(hostile: Hostile) -> None:
    found = await delays(hostile, 48, ticks=5, interval=0.2)
    assert found[-1] < TICK
