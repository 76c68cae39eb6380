"""A model whose people follow the week, with a profile that has counts by hours of it, and with one that has none."""

from __future__ import annotations

import numpy as np
from rollmodel.profile import build_profile

from tests.support.simulation.drifting import HOUR, DriftWorld, Rows, rows_of

DAY, WEEK, LEARNING = 24, 168, 10
#: The world begins on a Thursday at 00:00 UTC; this is its first Saturday.
SATURDAY = 2 * DAY


def other_people_at_weekends(rng: np.random.Generator, hour: int) -> Rows:
    return rows_of(rng, 300, age=46.0 if (hour - SATURDAY) % WEEK < 2 * DAY else 40.0)


def world_with_hours() -> DriftWorld:
    """The model was trained on four weeks of these people."""
    world = DriftWorld(other_people_at_weekends)
    rng, rows = np.random.default_rng(4), 40_000
    hours = rng.integers(0, 4 * WEEK, rows)
    data, score = rows_of(rng, rows)
    columns = {**data, "age": data["age"] + 6.0 * ((hours - SATURDAY) % WEEK < 2 * DAY)}
    times = world.start.timestamp() + (hours - 4 * WEEK + 0.5) * HOUR
    world.profile = build_profile(columns, score=score, time=times)
    return world


async def test_weekends_are_told_after_the_first_week_where_the_profile_has_no_hours() -> None:
    world = DriftWorld(other_people_at_weekends)
    ref, operator = world.policy(windowSeconds=[6 * HOUR, WEEK * HOUR]), world.operator()
    await world.hours(operator, ref, LEARNING)
    assert world.condition(ref, "Calibrated")["status"] == "True", "nothing is known of weekends"
    world.clock.forward((WEEK - LEARNING - 1) * HOUR)
    await world.hours(operator, ref, 1)
    calibrated = world.condition(ref, "Calibrated")
    assert calibrated["status"] == "False"
    assert "steps of the first week are, since its hours differ" in calibrated["message"]
    assert "rollmodel profile --time" in calibrated["message"]
    learnt = world.status(ref)["learnt"]
    assert learnt["weekWindows"] > 160
    assert learnt["weekFalseAlarms"] > 40
    await world.hours(operator, ref, 2)
    assert world.status(ref)["learnt"] == learnt, "asked once"


async def test_weekends_are_no_drift_where_the_profile_has_hours() -> None:
    world = world_with_hours()
    ref, operator = world.policy(windowSeconds=[6 * HOUR, WEEK * HOUR]), world.operator()
    await world.hours(operator, ref, LEARNING)
    world.clock.forward((SATURDAY - LEARNING) * HOUR)
    assert set(await world.hours(operator, ref, 7)) == {"Stable"}
    assert "; 1 of 4 columns by hours of the week" in world.condition(ref, "ReferenceReady")["message"]
    world.clock.forward((WEEK - SATURDAY - 7) * HOUR)
    assert await world.hours(operator, ref, 1) == ["Stable"]
    assert world.condition(ref, "Calibrated")["status"] == "True"
    assert "weekWindows" not in world.status(ref)["learnt"]


async def test_a_change_is_seen_on_top_of_the_week() -> None:
    world = world_with_hours()
    before = world.traffic

    def younger(rng: np.random.Generator, hour: int) -> Rows | None:
        return rows_of(rng, 300, age=40.0) if hour >= SATURDAY else before(rng, hour)

    world.traffic = younger
    ref, operator = world.policy(windowSeconds=[6 * HOUR]), world.operator()
    await world.hours(operator, ref, LEARNING)
    world.clock.forward((SATURDAY - LEARNING - 1) * HOUR)
    assert await world.hours(operator, ref, 1) == ["Stable"]
    assert (await world.hours(operator, ref, 7))[-1] == "Drifted", "on a weekend people are expected to be older"


async def test_a_season_needs_hours_in_the_profile() -> None:
    world = DriftWorld()
    ref, operator = world.policy(season="HourOfDay"), world.operator()
    assert (await world.hours(operator, ref, 2))[-1] == "Blind"
    ready = world.condition(ref, "ReferenceReady")
    assert (ready["status"], ready["reason"]) == ("False", "ProfileWithoutHours")
    assert "rollmodel profile --time" in ready["message"]
