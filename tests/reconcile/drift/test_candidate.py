"""A candidate beside the stable revision at the same time: what both show is the world's, what one shows is its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from rollmodel.plan.decision import Ref
from rollmodel.profile import build_profile

from tests.support.simulation.drifting import DriftWorld, Rows, rows_of

TRIED_FROM = 14


def aging(rng: np.random.Generator, hour: int) -> Rows:
    """The world moves while the candidate is tried."""
    return rows_of(rng, 1500, age=40.0 + max(0, hour - TRIED_FROM) * 2.0)


def world_with(tried: Any, *, traffic: Any = aging, **spec: Any) -> tuple[DriftWorld, Ref]:
    world = DriftWorld(traffic, tried=tried)
    given = {"track": "Candidate", "reference": {"stableTrack": {}}, "windowSeconds": [3600, 4 * 3600], **spec}
    return world, world.policy(**given)


async def rollout(world: DriftWorld, ref: Ref, hours: int = 8) -> list[str]:
    operator = world.operator()
    assert await world.hours(operator, ref, TRIED_FROM) == ["NoCandidate"] * TRIED_FROM
    assert not world.asked, "without a candidate nothing is asked"
    world.candidate("rev2", "2")
    return await world.hours(operator, ref, hours)


async def test_what_stable_shows_too_is_the_worlds() -> None:
    """Its share of the traffic grows while people get older: it has more of the late ones."""

    def older(rng: np.random.Generator, hour: int, rows: int = 1500) -> Rows:
        return rows_of(rng, rows, age=40.0 + max(0, hour - TRIED_FROM) * 6.0)

    def ramping(rng: np.random.Generator, hour: int) -> Rows:
        return older(rng, hour, 250 if hour < TRIED_FROM + 4 else 2000)

    world, ref = world_with(ramping, traffic=older)
    assert set(await rollout(world, ref)) <= {"Stable", "Insufficient"}
    assert world.status(ref)["profile"]["comparedWith"] == "rev1"
    assert world.condition(ref, "DriftDetected")["status"] == "False"


async def test_what_it_alone_shows_is_told_and_ends_with_it() -> None:
    world, ref = world_with(lambda rng, hour: rows_of(rng, 600, age=46.0 + (hour - TRIED_FROM) * 2.0))
    assert (await rollout(world, ref))[-1] == "Drifted"
    first = next(event for event in world.kube.events if event.reason == "DriftDetected")
    assert first.message.startswith("candidate rev2 differs from rev1 at the same time, episode 1: features/age")
    assert {event.reason for event in world.kube.events} <= {"Learnt", "DriftDetected"}, "no training is suggested"
    world.promote("rev1", "1")  # the candidate is gone
    assert await world.hours(world.operator(), ref, 1) == ["NoCandidate"]
    assert "endTime" in world.status(ref)["episode"]
    assert world.trainings() == []


async def test_a_retrained_candidate_has_other_edges() -> None:
    """Both count ages into bins of their own: brackets show what is clear, and no more."""

    def broken(rng: np.random.Generator, hour: int) -> Rows:
        return rows_of(rng, 600, age=55.0 + (hour - TRIED_FROM) * 2.0)

    for tried, says in ((aging, "Stable"), (broken, "Drifted")):
        world, ref = world_with(tried)
        rng = np.random.default_rng(7)
        data, score = rows_of(rng, 20_000, age=43.0)
        world.tried_profile = build_profile(dict(data), score=score)
        assert (await rollout(world, ref))[-1] == says


async def test_missing_values_of_the_candidate_alone() -> None:
    world, ref = world_with(lambda rng, hour: rows_of(rng, 600, age=40.0 + (hour - TRIED_FROM) * 2.0, missing=0.3))
    assert (await rollout(world, ref))[-1] == "Drifted"
    assert world.condition(ref, "QualityBroken")["status"] == "True"

    def leaky(rng: np.random.Generator, hour: int) -> Rows:
        return rows_of(rng, 1500, missing=0.3)

    world, ref = world_with(leaky, traffic=leaky)
    assert (await rollout(world, ref))[-1] == "Stable", "the stable revision misses as many"


async def test_a_feature_that_only_the_candidate_has_is_not_compared() -> None:
    def more(rng: np.random.Generator, hour: int) -> Rows:
        data, score = aging(rng, hour)
        return data.assign(height=rng.normal(180.0, 9.0, len(data))), score

    world, ref = world_with(more)
    data, score = more(np.random.default_rng(1), 0)
    world.tried_profile = build_profile(dict(data), score=score)
    world.kube.edit(ref, lambda obj: obj["spec"]["reference"].update(stableTrack={"minRows": 1000}))
    assert (await rollout(world, ref))[-1] == "Stable"
    assert "height" in world.condition(ref, "ReferenceReady")["message"]
