"""Odd data and odd clocks: each is told as what it is, and none trains a model or ends a pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.simulation.drifting import HOUR, DriftWorld, Rows, rows_of


def odd(what: str) -> Rows:
    data, score = rows_of(np.random.default_rng(3), 600)
    changed: dict[str, dict[str, Any]] = {
        "all null": {"age": np.nan},
        "infinite": {"age": np.inf},
        "constant": {"age": 40.0},
        "new category": {"plan": "platinum"},
    }
    return data.assign(**changed[what]), score


@pytest.mark.parametrize(
    ("what", "signals"),
    [
        ("all null", {"quality/age/null"}),
        ("infinite", {"quality/age/unseen", "features/age"}),
        ("constant", {"features/age"}),
        ("new category", {"quality/plan/unseen", "features/plan"}),
    ],
)
async def test_odd_values_are_told_by_name(what: str, signals: set[str]) -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600) if hour < 11 else odd(what))
    ref = world.policy(windowSeconds=[HOUR])
    assert (await world.hours(world.operator(), ref, 15))[-1] == "Drifted"
    told = {one["name"] for one in world.status(ref)["signals"] if one["verdict"] == "Drifted"}
    assert told == signals


async def test_a_clock_that_jumps_over_windows_raises_no_alarm() -> None:
    world = DriftWorld()
    ref, operator = world.policy(windowSeconds=[HOUR]), world.operator()
    assert (await world.hours(operator, ref, 14))[-1] == "Stable"
    looked = world.status(ref)["lastEvaluationTime"]
    world.clock.forward(-5 * HOUR)
    await world.settle(operator, ref)
    assert world.status(ref)["lastEvaluationTime"] == looked, "what was looked at stays"
    world.clock.forward(30 * HOUR)
    await world.settle(operator, ref)
    assert world.condition(ref, "Ready")["reason"] == "Stable"
    assert [event.reason for event in world.kube.events] == ["Learnt"]
