"""A DriftPolicy over hours and days: it learns, is quiet, sees what changes, and says what it cannot see."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from rollmodel.errors import Unavailable
from rollmodel.profile import build_profile

from tests.support.simulation.drifting import HOUR, DriftWorld, Rows, rows_of

LEARNING = 10


def older(after: int) -> Any:
    """From this hour on people are older."""
    return lambda rng, hour: rows_of(rng, 600, age=40.0 if hour < after else 46.0)


async def test_it_learns_and_is_quiet() -> None:
    world = DriftWorld()
    ref, operator = world.policy(), world.operator()
    said = await world.hours(operator, ref, 40)
    assert said == ["Learning"] * (LEARNING - 1) + ["Stable"] * 31
    status = world.status(ref)
    assert status["profile"]["digest"] == world.profile.digest
    assert status["learnt"]["windows"] == LEARNING
    assert world.condition(ref, "DriftDetected")["status"] == "False"
    assert world.condition(ref, "Calibrated")["status"] == "True"
    assert "21600 s: 3600 rows show a PSI of" in world.condition(ref, "SamplesSufficient")["message"]
    assert 0.0 < float(status["budget"]["spent"]) < 0.01
    assert len(json.dumps(status)) < 10_000
    assert [event.reason for event in world.kube.events] == ["Learnt"]


async def test_between_two_looks_prometheus_is_not_asked_and_nothing_is_written() -> None:
    world = DriftWorld()
    ref, operator = world.policy(), world.operator()
    await world.hours(operator, ref, 12)
    asked, writes = len(world.asked), len(world.kube.writes)
    world.clock.forward(HOUR / 2)
    result = await operator.reconcile(world.kube.objects[ref])
    assert not result.wrote
    assert (len(world.asked), len(world.kube.writes)) == (asked, writes)
    assert result.requeue_after == pytest.approx(HOUR / 2, abs=2)
    await world.hours(operator, ref, 1)
    assert [end - start for _, start, end in world.asked[asked:]] == [0, 0], "one new step is asked for, and no other"


async def test_drift_is_seen_and_told_and_cleared() -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600, age=46.0 if 15 <= hour < 30 else 40.0))
    ref, operator = world.policy(), world.operator()
    said = await world.hours(operator, ref, 20)
    assert said[9:15] == ["Stable"] * 6
    assert said[15:18] == ["Suspected", "Suspected", "Drifted"]
    worst = world.status(ref)["signals"][0]
    assert (worst["name"], worst["verdict"], worst["severity"]) == ("features/age", "Drifted", "Severe")
    assert float(worst["correctedPsi"]) == pytest.approx(0.36, abs=0.12)
    assert world.status(ref)["episode"] == {
        "number": 1,
        "startTime": world.status(ref)["episode"]["startTime"],
        "trigger": "features/age",
    }
    said = await world.hours(operator, ref, 30)
    assert said[-1] == "Stable"
    assert "endTime" in world.status(ref)["episode"]
    reasons = [event.reason for event in world.kube.events]
    assert reasons == ["Learnt", "DriftDetected", "RetrainSuggested", "DriftCleared"]


async def test_anytime_is_quiet_and_sees_a_clear_change() -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600, age=48.0 if hour >= 15 else 40.0))
    ref, operator = world.policy(falseAlarms={"mode": "Anytime"}), world.operator()
    said = await world.hours(operator, ref, 22)
    assert said[9:15] == ["Stable"] * 6
    assert said[-1] == "Drifted"
    worst = world.status(ref)["signals"][0]
    assert (worst["name"], worst["verdict"]) == ("features/age", "Drifted")
    assert "rows show a PSI of" in world.condition(ref, "SamplesSufficient")["message"]


async def test_a_flood_of_missing_values_is_broken_data() -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600, missing=0.0 if hour < 12 else 0.6))
    ref, operator = world.policy(), world.operator()
    await world.hours(operator, ref, 16)
    assert world.condition(ref, "QualityBroken")["status"] == "True"
    assert "quality/age/null (missing values: +0." in world.condition(ref, "QualityBroken")["message"]


async def test_performance_is_estimated() -> None:
    signals = [{"name": "accuracy", "kind": "EstimatedPerformance", "metric": "accuracy", "maxDrop": "0.05"}]
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600, unsure=hour >= 12))
    ref, operator = world.policy(signals=signals), world.operator()
    said = await world.hours(operator, ref, 16)
    assert said[11] == "Stable"
    assert said[-1] == "Drifted"
    message = world.condition(ref, "PerformanceDegraded")["message"]
    assert re.search(r"accuracy \(accuracy 0\.6\d+ estimated, 0\.7\d+ in training, may drop by 0\.05 in", message), (
        message
    )


async def test_a_performance_that_cannot_be_estimated_is_not_called_good() -> None:
    """Of few rows that were right or wrong the profile keeps no rates: each of them would be told apart."""
    signals = [
        {"name": "features", "kind": "Feature"},
        {"name": "accuracy", "kind": "EstimatedPerformance", "metric": "accuracy", "maxDrop": "0.05"},
    ]
    world = DriftWorld()
    data, score = rows_of(np.random.default_rng(1), 20_000)
    world.profile = build_profile(dict(data), score=score)
    ref = world.policy(signals=signals)
    assert (await world.hours(world.operator(), ref, 12))[-1] == "Stable"
    found = world.condition(ref, "PerformanceDegraded")
    assert (found["status"], found["reason"]) == ("Unknown", "ProfileWithoutRates")


def silent(rng: np.random.Generator, hour: int) -> Rows | None:
    """From hour 12 on there are no series."""
    return rows_of(rng, 600) if hour < 12 else None


async def test_no_series_is_blind_and_so_are_rows_that_are_not_counted() -> None:
    world = DriftWorld(silent)
    ref, operator = world.policy(), world.operator()
    assert (await world.hours(operator, ref, 15))[-4:] == ["Stable", "Blind", "Blind", "Blind"]
    assert world.condition(ref, "DataFresh")["reason"] == "NoSeries"
    assert world.condition(ref, "DriftDetected")["status"] == "Unknown"

    world = DriftWorld()
    ref, operator = world.policy(), world.operator()
    await world.hours(operator, ref, 12)
    world.uncounted = True
    assert await world.hours(operator, ref, 1) == ["Blind"]
    assert world.condition(ref, "DataFresh")["reason"] == "RowsNotCounted"


async def test_an_outage_of_prometheus_spends_no_budget_and_ends_no_alarm() -> None:
    world = DriftWorld(older(12))
    ref, operator = world.policy(), world.operator()
    assert (await world.hours(operator, ref, 16))[-1] == "Drifted"
    spent, events = world.status(ref)["budget"]["spent"], len(world.kube.events)
    world.broken = Unavailable("Prometheus did not answer")
    assert await world.hours(operator, ref, 5) == ["Blind"] * 5
    assert world.status(ref)["budget"]["spent"] == spent
    assert world.condition(ref, "DriftDetected")["status"] == "True"
    assert [event.reason for event in world.kube.events[events:]] == ["Blind"], "told once"
    world.broken = None
    assert await world.hours(operator, ref, 1) == ["Drifted"]


async def test_a_restart_goes_on_where_it_was() -> None:
    world = DriftWorld(older(12))
    ref, operator = world.policy(), world.operator()
    await world.hours(operator, ref, 14)
    before = world.status(ref)
    other = world.operator()
    assert not (await other.reconcile(world.kube.objects[ref])).wrote
    assert world.status(ref) == before
    assert await world.hours(other, ref, 1) == ["Drifted"]


async def test_a_learning_that_cannot_end_is_told_of() -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600 if hour >= 24 else 100))
    ref, operator = world.policy(), world.operator()
    await world.hours(operator, ref, 20)
    assert world.condition(ref, "Stalled")["status"] == "False"
    await world.hours(operator, ref, 4)
    stalled = world.condition(ref, "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "LearningOverdue")
    assert "0 windows with `samples.minPerWindow` = 200 rows in 20 h, 10 are needed" in stalled["message"]
    assert [event.type for event in world.kube.events if event.reason == "LearningOverdue"] == ["Warning"]
    assert (await world.hours(operator, ref, 12))[-1] == "Stable"
    assert world.condition(ref, "Stalled")["status"] == "False"
    assert sum(event.reason == "LearningOverdue" for event in world.kube.events) == 1


async def test_few_rows_are_insufficient_and_never_stable() -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600 if hour < 12 else 20))
    ref, operator = world.policy(windowSeconds=[HOUR]), world.operator()
    said = await world.hours(operator, ref, 16)
    assert said[11:] == ["Stable", *["Insufficient"] * 4]
    assert world.condition(ref, "DriftDetected")["status"] == "Unknown"
    ready = world.condition(ref, "Ready")
    assert ready["status"] == "False"
    assert "20 rows, fewer than 200" in ready["message"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"season": "HourOfDay", "falseAlarms": {"mode": "Anytime"}}, "spec.season of the profile with"),
        (
            {
                "season": "HourOfDay",
                "track": "Candidate",
                "reference": {"stableTrack": {}},
                "retrain": {"mode": "Never"},
            },
            "spec.season with `reference.stableTrack`",
        ),
        ({"retrain": {"minNewLabelledRows": 1}}, "spec.retrain.minNewLabelledRows without `source.counts`"),
        ({"falseAlarms": {"mode": "Anytime"}, "reference": {"window": {}}}, "Anytime with a reference that moves"),
        ({"reference": {"window": {"durationSeconds": 31_536_000}}}, "spec.reference.window of more than 1500 steps"),
        ({"track": "Candidate"}, "spec.track: Candidate without `reference.stableTrack`"),
        (
            {"signals": [{"name": "f", "kind": "EstimatedPerformance", "metric": "f1", "maxDrop": "0.1"}]},
            "metric 'f1' (use accuracy or auc)",
        ),
    ],
)
async def test_what_is_not_there_yet_is_said(spec: dict[str, Any], says: str) -> None:
    world = DriftWorld()
    ref = world.policy(**spec)
    await world.settle(world.operator(), ref)
    stalled = world.condition(ref, "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "NotImplemented")
    assert says in stalled["message"]
    assert not world.asked


async def test_a_target_that_is_not_there_and_suspend() -> None:
    world = DriftWorld()
    ref, operator = world.policy(modelDeploymentRef={"name": "other"}), world.operator()
    await world.settle(operator, ref)
    assert world.condition(ref, "DataFresh")["reason"] == "TargetMissing"
    world.kube.edit(ref, lambda obj: obj["spec"].update(suspend="Suspended"))
    await world.settle(operator, ref)
    assert world.condition(ref, "Ready")["reason"] == "Suspended"


async def test_another_revision_is_learnt_anew() -> None:
    world = DriftWorld(older(12))
    ref, operator = world.policy(), world.operator()
    assert (await world.hours(operator, ref, 16))[-1] == "Drifted"
    world.promote("rev2", "2")
    assert (await world.hours(operator, ref, 2)) == ["Learning", "Learning"]
    status = world.status(ref)
    assert status["profile"]["revision"] == "rev2"
    assert "endTime" in status["episode"]
    assert "signals" not in status or status["signals"] == []


async def test_a_rollout_that_takes_some_traffic_takes_no_history() -> None:
    """The weight of the stable revision moves while a candidate is tried, and with it the time that status has."""
    world = DriftWorld()
    ref, operator = world.policy(), world.operator()
    assert (await world.hours(operator, ref, 14))[-1] == "Stable"
    world.promote("rev1", "1")  # the same revision, at another weight since now
    assert await world.hours(operator, ref, 1) == ["Stable"]
    rows = next(one["samples"] for one in world.status(ref)["signals"] if one["windowSeconds"] == 6 * HOUR)
    assert rows == 3600
