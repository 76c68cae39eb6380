"""What may break between an alarm and its promotion: it is told as what it is, and no training comes of it twice."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rollmodel.errors import Invalid
from rollmodel.plan.decision import Ref
from rollmodel.ports.prometheus import Series
from rollmodel.profile import build_profile
from rollmodel.reconcile.result import Reconciler

from tests.reconcile.drift.test_retrain import DRIFT_FROM, Killed, outcomes, world_with
from tests.support.simulation.drifting import HOUR, DriftWorld, rows_of

TARGET = Ref("rollmodel.dev/v1alpha1", "ModelDeployment", "team", "churn")
TEMPLATE = Ref("rollmodel.dev/v1alpha1", "TrainingJob", "team", "churn-train")

_PLAYED: list[tuple[DriftWorld, Ref]] = []


async def before_the_alarm() -> tuple[DriftWorld, Ref]:
    """The next hour raises it. Played once."""
    if not _PLAYED:
        world, ref = world_with()
        await world.hours(world.operator(), ref, DRIFT_FROM + 2)
        _PLAYED.append((world, ref))
    return deepcopy(_PLAYED[0])


# --- the template


async def test_a_template_that_is_refused_is_told_and_starts_once_when_it_is_mended() -> None:
    """It was stored before a rule existed, or another admission says no."""
    world, ref = await before_the_alarm()
    operator = world.operator()

    def refuse(verb: str, about: Ref) -> None:
        if verb == "apply" and about.kind == "TrainingJob":
            raise Invalid("spec.template.image must come from registry.example.com")

    world.kube.fault = refuse
    await world.hours(operator, ref, 3)
    assert world.trainings() == []
    assert outcomes(world, ref) == ["Starting"]
    stalled = world.condition(ref, "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "Refused")
    assert "spec.template.image must come from registry.example.com" in stalled["message"]
    world.kube.fault = lambda verb, about: None
    world.kube.edit(TEMPLATE, lambda obj: obj["spec"]["template"].update(image="registry.example.com/trainer:1"))
    await world.hours(operator, ref, 1)
    [training] = world.trainings()
    assert training["spec"]["template"]["image"] == "registry.example.com/trainer:1"
    assert outcomes(world, ref) == ["Running"]
    assert world.condition(ref, "Stalled")["status"] == "False"


async def test_a_template_that_goes_between_claim_and_training() -> None:
    world, ref = await before_the_alarm()
    operator = world.operator()
    world.clock.forward(HOUR)
    while not outcomes(world, ref):
        await operator.reconcile(world.kube.objects[ref])
    assert outcomes(world, ref) == ["Starting"]
    world.kube.remove(TEMPLATE)
    await world.settle(operator, ref)
    assert outcomes(world, ref) == ["Failed"]
    assert world.status(ref)["retrains"][0]["message"] == "there is no TrainingJob 'churn-train'"


# --- the target


async def test_a_target_that_is_deleted_during_the_training() -> None:
    """Nothing to watch; the training ends as it does, and a target that is made anew is watched anew."""
    world, ref = await before_the_alarm()
    operator = world.operator()
    await world.hours(operator, ref, 2)
    [training] = world.trainings()
    world.kube.remove(TARGET)
    await world.hours(operator, ref, 1)
    assert world.condition(ref, "DataFresh")["reason"] == "TargetMissing"
    assert world.condition(ref, "DriftDetected")["status"] == "True", "an alarm is not cleared by looking away"
    world.end_training(training["metadata"]["name"], "True", version="2")
    await world.hours(operator, ref, 12)
    assert outcomes(world, ref) == ["Ineffective"]
    world.kube.create(
        {
            "apiVersion": "rollmodel.dev/v1alpha1",
            "kind": "ModelDeployment",
            "metadata": {"name": "churn", "namespace": "team"},
            "spec": {"model": {}},
        }
    )
    world.promote("rev9", "9")
    assert (await world.hours(operator, ref, 2))[-1] == "Learning"
    assert "endTime" in world.status(ref)["episode"]
    assert len(world.trainings()) == 1


# --- the profile


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("ProfileMissing", "the model has no profile.json"),
        ("ProfileVersion", "a format that the server does not read"),
        ("ProfileDigest", "was edited by hand"),
    ],
)
async def test_what_is_wrong_with_the_profile_is_told(reason: str, says: str) -> None:
    world, ref = await before_the_alarm()
    answer = world.query_range

    async def without(query: str, **times: float) -> Sequence[Series]:
        if "rollmodel_profile_rows" in query:
            return [Series({"what": "problem", "reason": reason}, [(times["end"], 1.0)])]
        return await answer(query, **times)

    world.query_range = without  # type: ignore[method-assign]
    assert (await world.hours(world.operator(), ref, 1)) == ["Blind"]
    for condition in ("DataFresh", "ReferenceReady"):
        found = world.condition(ref, condition)
        assert (found["status"], found["reason"]) == ("False", reason)
        assert says in found["message"]
    assert world.trainings() == []


async def test_pods_with_two_profiles_are_a_mismatch_and_another_profile_is_learnt_anew() -> None:
    """Other edges are another question: counts of before are not compared with them."""
    world, ref = await before_the_alarm()
    operator, answer = world.operator(), world.query_range
    other = build_profile(dict(rows_of(np.random.default_rng(2), 20_000, age=41.0)[0]))

    async def both(query: str, **times: float) -> Sequence[Series]:
        found = await answer(query, **times)
        if "rollmodel_profile_rows" not in query:
            return found
        return [*found, Series({"what": "info", "digest": other.digest}, [(times["end"], 1.0)])]

    world.query_range = both  # type: ignore[method-assign]
    assert (await world.hours(operator, ref, 1)) == ["Blind"]
    assert world.condition(ref, "DataFresh")["reason"] == "ProfileMismatch"
    world.query_range = answer  # type: ignore[method-assign]
    world.profile, world._hours = other, {}
    await world.hours(operator, ref, 1)
    status = world.status(ref)
    assert status["profile"]["digest"] == other.digest
    assert max(one["looks"] for one in status["signals"]) == 1, "looks at the other one do not count"
    assert world.trainings() == []


async def test_a_promoted_version_without_a_profile_was_promoted() -> None:
    """Nothing can be looked at, and still its training has led to it."""
    world, ref = await before_the_alarm()
    operator, answer = world.operator(), world.query_range
    await world.hours(operator, ref, 2)
    world.end_training(world.trainings()[0]["metadata"]["name"], "True", version="2")

    async def without(query: str, **times: float) -> Sequence[Series]:
        if "rollmodel_profile_rows" in query:
            return [Series({"what": "problem", "reason": "ProfileMissing"}, [(times["end"], 1.0)])]
        return await answer(query, **times)

    world.query_range = without  # type: ignore[method-assign]
    world.promote("rev2", "2")
    await world.hours(operator, ref, 12)
    assert outcomes(world, ref) == ["Promoted"]
    assert [event.reason for event in world.kube.events].count("RetrainPromoted") == 1


async def test_a_training_that_registers_nothing_is_told_at_once() -> None:
    world, ref = await before_the_alarm()
    operator = world.operator()
    await world.hours(operator, ref, 2)
    world.end_training(world.trainings()[0]["metadata"]["name"], "True")
    await world.settle(operator, ref)
    assert outcomes(world, ref) == ["Ineffective"]
    assert "registers no version" in world.status(ref)["retrains"][0]["message"]


# --- the counts


async def test_a_feature_that_is_gone_is_missing_by_name_and_trains_nothing() -> None:
    """Renamed by a caller: the server fills the column of the profile with nulls."""

    def renamed(rng: np.random.Generator, hour: int) -> Any:
        rows, score = rows_of(rng, 600)
        return (rows if hour < DRIFT_FROM else rows.rename(columns={"age": "years"})), score

    world, ref = world_with(renamed, when=["Feature"])
    await world.hours(world.operator(), ref, DRIFT_FROM + 5)
    assert world.condition(ref, "RetrainBlocked")["reason"] == "BrokenData"
    assert "quality/age/null" in world.condition(ref, "QualityBroken")["message"]
    assert world.trainings() == []


async def test_what_a_counter_that_is_reset_may_leave_is_no_count() -> None:
    """``increase`` counts over resets; whatever else comes (negative, not a number) is nothing, and no alarm."""
    world, ref = await before_the_alarm()
    world.traffic = lambda rng, hour: rows_of(rng, 600)
    world._hours = {}
    answer = world.query_range

    async def odd(query: str, **times: float) -> Sequence[Series]:
        found = await answer(query, **times)
        if "increase" not in query:
            return found
        return [
            replace(one, points=[(moment, -value if index % 2 else float("nan")) for moment, value in one.points])
            for index, one in enumerate(found)
        ]

    world.query_range = odd  # type: ignore[method-assign]
    operator = world.operator()
    await world.hours(operator, ref, 3)
    assert world.condition(ref, "SamplesSufficient")["status"] == "False"
    assert world.trainings() == []
    assert [event.reason for event in world.kube.events if event.reason == "DriftDetected"] == []


# --- the loop


async def test_a_training_that_does_not_help_counts_against_the_breaker() -> None:
    """Each version is promoted, and its model drifts at once: it was trained on the wrong data."""
    world, ref = world_with(cooldownSeconds=14 * HOUR)
    operator = world.operator()
    for hour in range(48):
        await world.hours(operator, ref, 1)
        for one in world.trainings():
            if "status" not in one:
                world.end_training(one["metadata"]["name"], "True", version=f"{hour}")
                await world.settle(operator, ref)
                world.promote(f"rev{hour}", f"{hour}")
    assert len(world.trainings()) == 2
    assert outcomes(world, ref) == ["Ineffective", "Ineffective"]
    blocked = world.condition(ref, "RetrainBlocked")
    assert (blocked["status"], blocked["reason"]) == ("True", "RetrainIneffective")
    assert blocked["message"] == "the last 2 trainings did not help: only a person starts another"


async def test_a_version_that_a_person_promoted_says_nothing_about_the_training_before() -> None:
    world, ref = world_with(cooldownSeconds=14 * HOUR)
    operator = world.operator()
    await world.hours(operator, ref, DRIFT_FROM + 4)
    world.end_training(world.trainings()[0]["metadata"]["name"], "True", version="2")
    await world.settle(operator, ref)
    world.promote("rev2", "2")
    await world.hours(operator, ref, 1)
    assert world.status(ref)["retrains"][0]["promotedRevision"] == "rev2"
    world.promote("rev3", "3")
    await world.hours(operator, ref, 14)
    assert world.condition(ref, "Ready")["reason"] == "Drifted"
    assert outcomes(world, ref)[-1] == "Promoted"


async def play(world: DriftWorld, operator: Reconciler, ref: Ref) -> None:
    """An hour, in which people do what is next: the training ends, then its version is promoted."""
    await world.hours(operator, ref, 1)
    for one in world.trainings():
        if "status" not in one:
            world.end_training(one["metadata"]["name"], "True", version="2")
        elif world.kube.objects[TARGET]["status"]["stable"]["modelVersion"] == "1":
            world.retrained(age=46.0)
            world.promote("rev2", "2")


async def writes_of_the_loop() -> int:
    """How many there are, when nobody is killed."""
    world, ref = await before_the_alarm()
    operator, before = world.operator(), len(world.kube.writes)
    while outcomes(world, ref) != ["Promoted"]:
        await play(world, operator, ref)
    return len(world.kube.writes) - before


async def test_killed_at_any_write_of_the_loop_it_trains_once_and_is_promoted() -> None:
    for write in range(await writes_of_the_loop()):
        for moment in ("fault", "aftermath"):
            world, ref = await before_the_alarm()
            operator, left = world.operator(), [write]

            def fault(verb: str, _: Ref, left: list[int] = left) -> None:
                if verb in {"apply", "patch_status", "delete"}:
                    left[0] -= 1
                    if left[0] == -1:
                        raise Killed

            setattr(world.kube, moment, fault)
            for _ in range(6):
                try:
                    await play(world, operator, ref)
                except Killed:
                    operator = world.operator()
                if left[0] < 0 and outcomes(world, ref) == ["Promoted"]:
                    break
            where = f"killed at write {write} ({moment})"
            assert left[0] < 0, where
            assert len(world.trainings()) == 1, where
            assert outcomes(world, ref) == ["Promoted"], where
