"""What an alarm leads to, and what keeps that from running away: killed anywhere, it never trains twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from rollmodel.plan.decision import Ref
from rollmodel.profile import build_profile

from tests.support.simulation.drifting import DriftWorld, Rows, rows_of

AUTO = {"mode": "Auto", "trainingJobRef": {"name": "churn-train"}, "when": ["Feature"], "cooldownSeconds": 36_000}
DRIFT_FROM = 11


def older(rng: np.random.Generator, hour: int) -> Rows:
    """People are older from an hour on."""
    return rows_of(rng, 600, age=40.0 if hour < DRIFT_FROM else 46.0)


def waves(rng: np.random.Generator, hour: int) -> Rows:
    """It comes and goes, every twenty hours."""
    return rows_of(rng, 600, age=46.0 if hour >= DRIFT_FROM and (hour - DRIFT_FROM) % 20 < 6 else 40.0)


def world_with(traffic: Any = older, **retrain: Any) -> tuple[DriftWorld, Ref]:
    world = DriftWorld(traffic)
    return world, world.policy(retrain={**AUTO, **retrain}, windowSeconds=[3600])


def outcomes(world: DriftWorld, ref: Ref) -> list[str]:
    return [one["outcome"] for one in world.status(ref).get("retrains", [])]


async def test_an_alarm_starts_one_training_with_the_templates_spec() -> None:
    world, ref = world_with()
    await world.hours(world.operator(), ref, 20)
    (training,) = world.trainings()
    window = training["spec"].pop("dataWindow")
    assert training["spec"] == {"template": {"image": "trainer:1"}}, "once, without the schedule"
    begun = datetime.fromisoformat(world.status(ref)["episode"]["startTime"])
    assert begun - datetime.fromisoformat(window["since"]) == timedelta(hours=3), "three looks at an hour each saw it"
    assert window["until"] == world.status(ref)["retrains"][0]["time"]
    assert training["metadata"]["annotations"]["rollmodel.dev/drift-trigger"] == "features/age"
    assert training["metadata"]["ownerReferences"][0]["kind"] == "DriftPolicy"
    assert outcomes(world, ref) == ["Running"]
    assert [event.reason for event in world.kube.events] == ["Learnt", "DriftDetected", "RetrainStarted"]


async def test_the_training_has_what_a_policy_asks_of_all_objects() -> None:
    world, ref = world_with()
    template = Ref("rollmodel.dev/v1alpha1", "TrainingJob", "team", "churn-train")
    team = {"labels": {"team": "risk"}, "annotations": {"example.com/owner": "ann"}}
    world.kube.edit(template, lambda one: one["spec"]["template"].update(team))
    await world.hours(world.operator(), ref, 20)
    (training,) = world.trainings()
    assert training["metadata"]["labels"]["team"] == "risk"
    assert training["metadata"]["annotations"]["example.com/owner"] == "ann"


class Killed(BaseException):
    """The operator ends."""


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("write", range(4))
async def test_killed_at_any_write_it_trains_once(write: int, after: bool) -> None:
    world, ref = world_with()
    operator = world.operator()
    await world.hours(operator, ref, DRIFT_FROM + 2)
    left = [write]

    def fault(verb: str, _: Ref) -> None:
        if verb in {"apply", "patch_status", "delete"}:
            left[0] -= 1
            if left[0] == -1:
                raise Killed

    if after:
        world.kube.aftermath = fault
    else:
        world.kube.fault = fault
    for _ in range(8):
        try:
            await world.hours(operator, ref, 1)
        except Killed:
            operator = world.operator()
            await world.settle(operator, ref)
    assert left[0] < 0, "it was killed"
    assert len(world.trainings()) == 1
    assert outcomes(world, ref) == ["Running"]


async def test_two_operators_create_the_same_training() -> None:
    world, ref = world_with()
    await world.hours(world.operator(), ref, 20)
    name = world.trainings()[0]["metadata"]["name"]
    other, again = world_with()
    other.kube.objects[again]["metadata"]["uid"] = world.kube.objects[ref]["metadata"]["uid"]
    await other.hours(other.operator(), again, 20)
    assert [one["metadata"]["name"] for one in other.trainings()] == [name]


async def test_a_null_flood_never_trains_a_model() -> None:
    def flood(rng: np.random.Generator, hour: int) -> Rows:
        late = hour >= DRIFT_FROM
        return rows_of(rng, 600, age=46.0 if late else 40.0, missing=0.5 if late else 0.0)

    world, ref = world_with(flood)
    await world.hours(world.operator(), ref, 24)
    assert world.trainings() == []
    blocked = world.condition(ref, "RetrainBlocked")
    assert (blocked["status"], blocked["reason"]) == ("True", "BrokenData")
    assert "quality/age/null" in blocked["message"]


async def test_a_model_that_answers_as_never_before_is_no_broken_data() -> None:
    """Other people come, so the scores are others: that is what a training is for."""

    def sure(rng: np.random.Generator, hour: int) -> Rows:
        rows, score = older(rng, hour)
        return rows, score if hour < DRIFT_FROM else np.where(rng.random(600) < 0.2, 1.5, score)

    world, ref = world_with(sure)
    await world.hours(world.operator(), ref, 20)
    assert world.condition(ref, "QualityBroken")["status"] == "False"
    assert len(world.trainings()) == 1


async def test_suggest_and_approve_wait_for_a_person() -> None:
    for mode, said in (("Suggest", "Suggested"), ("Approve", "AwaitingApproval")):
        world, ref = world_with(mode=mode)
        operator = world.operator()
        await world.hours(operator, ref, 20)
        assert world.trainings() == []
        assert outcomes(world, ref) == [said]
        world.kube.edit(ref, lambda obj: obj["metadata"].update(annotations={"rollmodel.dev/command": "retrain 1 a"}))
        await world.settle(operator, ref)
        assert len(world.trainings()) == 1
        assert outcomes(world, ref) == ["Running"]
        assert world.status(ref)["lastCommand"]["result"] == "Done"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("promote x y", "must be 'retrain <episode> <any word>'"),
        ("retrain 7 a", "no alarm with number 7"),
        ("retrain 1 a", "has its training"),
    ],
)
async def test_other_commands_are_ignored_and_told(text: str, says: str) -> None:
    world, ref = world_with()
    operator = world.operator()
    await world.hours(operator, ref, 20)
    world.kube.edit(ref, lambda obj: obj["metadata"].update(annotations={"rollmodel.dev/command": text}))
    await world.settle(operator, ref)
    assert len(world.trainings()) == 1
    last = world.status(ref)["lastCommand"]
    assert last["result"] == "Ignored"
    assert says in last["message"]


async def test_never_is_never_and_without_a_template_it_says_so() -> None:
    world, ref = world_with(mode="Never")
    await world.hours(world.operator(), ref, 20)
    assert outcomes(world, ref) == []
    world, ref = world_with(trainingJobRef={"name": "gone"})
    await world.hours(world.operator(), ref, 20)
    assert world.condition(ref, "RetrainBlocked")["reason"] == "TemplateMissing"
    assert world.trainings() == []


async def test_only_signals_of_the_kinds_in_when_start_one() -> None:
    world, ref = world_with(when=["EstimatedPerformance"])
    await world.hours(world.operator(), ref, 20)
    assert outcomes(world, ref) == ["Suggested"]


async def test_a_promotion_closes_the_loop() -> None:
    world, ref = world_with()
    operator = world.operator()
    await world.hours(operator, ref, 18)
    world.end_training(world.trainings()[0]["metadata"]["name"], "True", version="2")
    await world.hours(operator, ref, 1)
    world.promote("rev2", "2")
    await world.hours(operator, ref, 2)
    assert outcomes(world, ref) == ["Promoted"]
    assert "endTime" in world.status(ref)["episode"]


async def test_broken_data_soon_after_a_promotion_say_nothing_about_the_training() -> None:
    """The interface breaks, not the model: the training that was promoted before it stays a good one."""
    promoted = 24

    def breaks(rng: np.random.Generator, hour: int) -> Rows:
        return rows_of(
            rng, 600, age=46.0 if hour >= DRIFT_FROM else 40.0, missing=0.5 if hour >= promoted + 14 else 0.0
        )

    world, ref = world_with(breaks, cooldownSeconds=7 * 86_400)
    operator = world.operator()
    await world.hours(operator, ref, 18)
    world.end_training(world.trainings()[0]["metadata"]["name"], "True", version="2")
    world.retrained(age=46.0)
    world.promote("rev2", "2")
    said = await world.hours(operator, ref, 26)
    assert said[-1] == "Drifted"
    assert world.status(ref)["episode"]["trigger"] == "quality/age/null"
    assert outcomes(world, ref) == ["Promoted"]


async def test_cooldown_cap_and_breaker() -> None:
    """The world swings; each training fails. Two that did not help are enough."""
    world, ref = world_with(waves, cooldownSeconds=30 * 3600)
    operator = world.operator()
    for _ in range(5):
        await world.hours(operator, ref, 20)
        for one in world.trainings():
            if "status" not in one:
                world.end_training(one["metadata"]["name"], "False")
    assert len(world.trainings()) == 2
    assert world.status(ref)["episode"]["number"] >= 4
    assert outcomes(world, ref) == ["Failed", "Failed"]
    reasons = {event.reason for event in world.kube.events}
    assert "RetrainFailed" in reasons
    assert world.status(ref)["retrains"][1]["episode"] == "1"
    assert world.status(ref)["retrains"][0]["episode"] == "3", "the second alarm came within the cooldown"


async def test_a_version_that_was_rolled_back_counts_against_the_breaker() -> None:
    """Two retrained versions lose their rollouts: from then on only a person starts another."""
    world, ref = world_with(waves, cooldownSeconds=30 * 3600)
    operator = world.operator()
    for number in range(5):
        await world.hours(operator, ref, 20)
        for one in world.trainings():
            if "status" not in one:
                world.end_training(one["metadata"]["name"], "True", version=f"{number + 2}")
                world.reject(f"rev{number + 2}", f"{number + 2}")
    assert outcomes(world, ref) == ["RolledBack", "RolledBack"]
    assert len(world.trainings()) == 2
    assert world.status(ref)["profile"]["revision"] == "rev1", "what lost renews no reference"
    alarms = [event for event in world.kube.events if event.reason == "DriftDetected"]
    assert len(alarms) >= 4


async def test_a_rollout_that_takes_longer_than_the_cooldown_is_waited_for() -> None:
    world, ref = world_with(cooldownSeconds=3600)
    operator = world.operator()
    await world.hours(operator, ref, 18)
    world.end_training(world.trainings()[0]["metadata"]["name"], "True", version="2")
    world.candidate("rev2", "2")
    await world.hours(operator, ref, 6)
    assert (outcomes(world, ref), len(world.trainings())) == (["Running"], 1)
    world.promote("rev2", "2")
    await world.hours(operator, ref, 1)
    assert outcomes(world, ref) == ["Promoted"]


async def test_a_promotion_renews_the_reference() -> None:
    """The new model's profile is of the older people: what was drift is normal now."""
    world, ref = world_with()
    operator = world.operator()
    await world.hours(operator, ref, 18)
    world.end_training(world.trainings()[0]["metadata"]["name"], "True", version="2")
    await world.hours(operator, ref, 1)
    before = world.status(ref)["profile"]["digest"]
    world.retrained(age=46.0)
    world.promote("rev2", "2")
    said = await world.hours(operator, ref, 20)
    assert said[-5:] == ["Stable"] * 5
    assert world.status(ref)["profile"]["digest"] not in {None, before}
    assert outcomes(world, ref) == ["Promoted"]
    assert len(world.trainings()) == 1


async def test_a_training_that_is_deleted_has_failed() -> None:
    world, ref = world_with()
    operator = world.operator()
    await world.hours(operator, ref, 18)
    world.kube.remove(Ref.of(world.trainings()[0]))
    await world.hours(operator, ref, 3)
    assert outcomes(world, ref) == ["Failed"]
    assert world.trainings() == []


@pytest.mark.parametrize(("age", "trains"), [(48.0, True), (480.0, False)])
async def test_a_small_profile_calls_other_people_no_broken_data(age: float, trains: bool) -> None:
    """Its outermost rows are 2 % on each side, so many rows of drift lie beyond; months instead of years are broken."""

    def moved(rng: np.random.Generator, hour: int) -> Rows:
        return rows_of(rng, 600, age=40.0 if hour < DRIFT_FROM else age)

    world, ref = world_with(moved)
    data, score = rows_of(np.random.default_rng(1), 1000)
    world.profile = build_profile(dict(data), score=score)
    world.kube.edit(ref, lambda obj: obj["spec"].update(reference={"training": {"minRows": 1000}}))
    await world.hours(world.operator(), ref, 20)
    assert len(world.trainings()) == (1 if trains else 0)
    assert (world.condition(ref, "RetrainBlocked")["reason"] == "BrokenData") is not trains
