"""A floor of rows an hour: fewer are broken data, if they are known to be fewer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.simulation.drifting import DriftWorld, Rows, rows_of

FLOOR = [{"name": "features", "kind": "Feature"}, {"name": "quality", "kind": "Quality", "minRowsPerHour": 400}]
FEWER_FROM, FEWER_UNTIL = 15, 24


def fewer(rng: np.random.Generator, hour: int) -> Rows:
    """For some hours a sixth of the rows come, too few for any test of what is in them."""
    return rows_of(rng, 100 if FEWER_FROM <= hour < FEWER_UNTIL else 600, age=40.0)


def world_with(**spec: Any) -> tuple[DriftWorld, Any]:
    world = DriftWorld(fewer)
    return world, world.policy(windowSeconds=[3600], **spec)


async def test_fewer_rows_than_the_floor_are_broken_data_until_they_are_back() -> None:
    world, ref = world_with(signals=FLOOR)
    operator = world.operator()
    said = await world.hours(operator, ref, FEWER_FROM + 3)
    assert said[FEWER_FROM - 1 :] == ["Stable", "Suspected", "Suspected", "Drifted"]
    (broken,) = [one for one in world.status(ref)["signals"] if one["verdict"] == "Drifted"]
    assert (broken["name"], broken["severity"], broken["samples"]) == ("quality/rows", "Severe", 100)
    assert broken["message"] == "100 rows an hour, at least 400 should come"
    condition = world.condition(ref, "QualityBroken")
    assert condition["status"] == "True"
    assert broken["message"] in condition["message"]
    await world.hours(operator, ref, 20)
    assert world.condition(ref, "QualityBroken")["status"] == "False"


async def test_without_a_floor_any_number_of_rows_is_good() -> None:
    world, ref = world_with()
    said = await world.hours(world.operator(), ref, FEWER_FROM + 6)
    assert said[FEWER_FROM:] == ["Insufficient"] * 6


async def test_rows_that_nobody_counted_are_not_missing() -> None:
    """Prometheus was away while all went well, and never learns of these hours: no window with a gap is short."""

    def unseen(rng: np.random.Generator, hour: int) -> Rows | None:
        return None if 16 <= hour < 19 else rows_of(rng, 600, age=40.0)

    world = DriftWorld(unseen)
    ref, operator = world.policy(windowSeconds=[3600, 21_600], signals=FLOOR), world.operator()
    said = await world.hours(operator, ref, 26)
    assert said[16:19] == ["Blind"] * 3
    assert said[19:] == ["Stable"] * 7


@pytest.mark.parametrize("rows", [399, 400])
async def test_the_floor_itself_is_enough(rows: int) -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, rows if hour >= FEWER_FROM else 600, age=40.0))
    ref = world.policy(windowSeconds=[3600], signals=FLOOR)
    said = await world.hours(world.operator(), ref, FEWER_FROM + 5)
    assert said[-1] == ("Drifted" if rows < 400 else "Stable")
