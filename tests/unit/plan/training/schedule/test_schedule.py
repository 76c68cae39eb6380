"""The parent of scheduled runs: what starts when, what is skipped, kept and said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rollmodel.api.trainingjob import TrainingJobSpec
from rollmodel.plan.decision import DeleteObject
from rollmodel.plan.training.objects.scheduled import due_of

from tests.support.simulation.trainings.schedules import HOURLY, START, Scheduled, at, hourly, name


def test_the_first_pass_promises_the_next_run_and_starts_none() -> None:
    parent = hourly()
    assert parent.created == []
    assert parent.status["schedule"] == {"nextScheduleTime": "2026-01-01T01:00:00Z", "active": []}
    assert [(c["type"], c["status"]) for c in parent.status["conditions"]] == [
        ("Succeeded", "Unknown"),
        ("Reconciling", "False"),
        ("Stalled", "False"),
    ]
    assert parent.condition("Succeeded")["message"] == "the next run is due at 2026-01-01T01:00:00Z"
    assert parent.decide().requeue_after == 3600


def test_a_run_is_a_trainingjob_of_its_own() -> None:
    parent = hourly()
    parent.fields = {"seed": 3}
    parent.jump(at("01-01 01:00"))
    (child,) = parent.children.values()
    meta = child["metadata"]
    assert meta["name"] == f"nightly-{int(at('01-01 01:00').timestamp()) // 60}"
    assert due_of(meta["name"]) == at("01-01 01:00")
    assert meta["annotations"] == {"rollmodel.dev/scheduled-at": "2026-01-01T01:00:00Z"}
    assert meta["labels"]["rollmodel.dev/training-job"] == "nightly"
    assert meta["ownerReferences"][0] | {"uid": "parent", "controller": True} == meta["ownerReferences"][0]
    spec = TrainingJobSpec.model_validate(child["spec"])
    assert (spec.schedule, spec.suspend, spec.seed, spec.tracking.experiment) == (None, None, 3, "ml/nightly")
    assert "schedule" not in child["spec"]
    assert parent.status["schedule"]["active"] == [meta["name"]]
    assert parent.reasons() == ["RunStarted"]


def test_a_run_has_what_a_policy_asks_of_all_objects() -> None:
    parent = hourly()
    team = {"labels": {"team": "risk"}, "annotations": {"example.com/owner": "ann"}}
    parent.fields = {"template": {"image": "trainer:1", **team}}
    parent.jump(at("01-01 01:00"))
    (child,) = parent.children.values()
    assert child["metadata"]["labels"]["team"] == "risk"
    assert child["metadata"]["annotations"]["example.com/owner"] == "ann"


def test_an_experiment_of_ones_own_stays() -> None:
    parent = Scheduled(HOURLY, fields={"tracking": {"experiment": "mine"}})
    parent.settle()
    parent.jump(at("01-01 01:00"))
    assert parent.children[name("01-01 01:00")]["spec"]["tracking"] == {"experiment": "mine"}


def test_the_run_is_claimed_before_it_is_created_and_created_after_a_kill() -> None:
    parent = hourly()
    parent.now = at("01-01 01:00")
    parent.decide()
    assert parent.status["schedule"]["starting"] == name("01-01 01:00")
    assert parent.condition("Reconciling")["status"] == "True"
    assert parent.created == []
    parent.jump(at("01-01 01:01"))
    assert parent.created == [name("01-01 01:00")]
    assert "starting" not in parent.status["schedule"]
    assert parent.reasons() == ["RunStarted"]


def test_a_run_that_somebody_deletes_is_not_made_again() -> None:
    parent = hourly()
    parent.jump(at("01-01 01:00"))
    parent.children.clear()
    parent.jump(at("01-01 01:01"))
    assert len(parent.created) == 1
    assert parent.status["schedule"]["active"] == []


def test_after_an_absence_the_latest_run_alone_is_made_up_for() -> None:
    parent = hourly()
    parent.jump(at("01-01 05:20"))
    assert parent.created == [name("01-01 05:00")]
    assert parent.events[0].reason == "RunsMissed"
    assert parent.events[0].message.startswith("4 times before 2026-01-01T05:00:00Z were missed")
    parent.jump(at("03-01 00:00"))
    assert parent.events[2].message.startswith("100 or more")


@pytest.mark.parametrize(("minute", "created"), [("05:04", 1), ("05:20", 0)])
def test_a_missed_run_has_a_deadline(minute: str, created: int) -> None:
    parent = hourly(startingDeadlineSeconds=300)
    parent.jump(at(f"01-01 {minute}"))
    assert len(parent.created) == created
    assert parent.status["schedule"]["lastScheduleTime"] == "2026-01-01T05:00:00Z"
    assert parent.reasons()[0] == "RunsMissed"


def test_a_run_that_cannot_be_created_before_its_deadline_is_given_up() -> None:
    parent = hourly(startingDeadlineSeconds=300)
    parent.now = at("01-01 01:00")
    parent.decide()
    parent.jump(at("01-01 01:10"))
    assert parent.created == []
    assert parent.reasons() == ["RunStarted", "RunsMissed"]


def test_a_run_that_cannot_be_deleted_is_told_of() -> None:
    parent = hourly(concurrencyPolicy="Replace")
    parent.jump(at("01-01 01:00"))
    (child,) = parent.children.values()
    child["metadata"] |= {"deletionTimestamp": "2026-01-01T01:00:30Z", "finalizers": ["example.com/held"]}
    parent.jump(at("01-01 01:10"))
    assert parent.condition("Stalled")["status"] == "False"
    parent.jump(at("01-01 02:00"))
    parent.jump(at("01-01 02:01"))
    assert parent.condition("Stalled")["reason"] == "RunNotDeleted"
    assert child["metadata"]["name"] in parent.condition("Stalled")["message"]
    assert parent.reasons().count("RunNotDeleted") == 1
    parent.children.clear()
    parent.jump(at("01-01 02:02"))
    assert parent.condition("Stalled")["status"] == "False"
    assert parent.created[-1] == name("01-01 02:00")


def test_forbid_skips_for_good() -> None:
    parent = hourly()
    parent.jump(at("01-01 01:00"))
    parent.jump(at("01-01 02:00"))
    parent.end(name("01-01 01:00"))
    parent.jump(at("01-01 02:30"))
    assert parent.created == [name("01-01 01:00")]
    assert parent.reasons() == ["RunStarted", "RunSkipped", "RunSucceeded"]
    assert name("01-01 01:00") in parent.events[1].message


def test_a_run_that_is_still_to_be_created_counts_as_going_on() -> None:
    parent = hourly()
    parent.now = at("01-01 01:00")
    parent.decide()
    parent.jump(at("01-01 02:00"))
    assert parent.created == [name("01-01 01:00")]
    assert parent.reasons() == ["RunStarted", "RunSkipped"]


def test_forbid_waits_for_one_that_is_on_its_way_out() -> None:
    parent = hourly()
    parent.jump(at("01-01 01:00"))
    parent.children[name("01-01 01:00")]["metadata"]["deletionTimestamp"] = "2026-01-01T01:59:50Z"
    parent.jump(at("01-01 02:00"))
    assert len(parent.created) == 1


def test_allow_lets_runs_pile_up_but_only_so_far() -> None:
    parent = hourly(concurrencyPolicy="Allow")
    parent.follow(START + timedelta(hours=103))
    assert len(parent.created) == len(parent.status["schedule"]["active"]) == 100
    assert parent.reasons().count("RunSkipped") == 3


def test_replace_ends_the_last_run_first() -> None:
    parent = hourly(concurrencyPolicy="Replace")
    parent.jump(at("01-01 01:00"))
    decision = parent.jump(at("01-01 02:00"))
    first, second = name("01-01 01:00"), name("01-01 02:00")
    assert "deletionTimestamp" in parent.children[first]["metadata"]
    assert parent.created == [first]
    assert parent.condition("Reconciling")["message"] == f"{second} waits for the end of {first}"
    assert decision.requeue_after == 5
    parent.bury()
    parent.settle()
    assert parent.created == [first, second]
    assert list(parent.children) == [second]


def test_suspended_nothing_starts_and_nothing_is_made_up_for() -> None:
    parent = hourly()
    parent.fields = {"suspend": "Suspended"}
    assert parent.settle().requeue_after is None
    assert "nextScheduleTime" not in parent.status["schedule"]
    parent.jump(at("01-01 05:00"))
    parent.fields = {}
    parent.jump(at("01-01 05:30"))
    assert parent.created == []
    assert parent.reasons() == ["Suspended", "Resumed"]
    parent.jump(at("01-01 06:00"))
    assert parent.created == [name("01-01 06:00")]


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        ({"cron": "0 0 30 2 *"}, "InvalidSchedule"),
        ({"cron": "0 0 LW * */7"}, "NeverDue"),
        ({"cron": "@daily", "timeZone": "Mars/Base"}, "UnknownTimeZone"),
    ],
)
def test_a_schedule_without_sense_stalls_and_says_so_once(schedule: Any, reason: str) -> None:
    parent = hourly()
    parent.schedule = schedule
    assert parent.jump(at("01-01 05:00")).requeue_after is None
    assert {parent.condition(kind)["reason"] for kind in ("Stalled", "Reconciling", "Succeeded")} == {reason}
    assert parent.condition("Reconciling")["status"] == "False"
    parent.schedule = HOURLY
    parent.jump(at("01-01 05:30"))
    assert parent.condition("Stalled")["status"] == "False"
    assert parent.created == []
    assert parent.reasons() == [reason]


def test_what_was_refused_needs_a_person() -> None:
    parent = hourly()
    parent.problems = ("quota exceeded",)
    parent.settle()
    assert (parent.condition("Stalled")["reason"], parent.condition("Stalled")["message"]) == (
        "Refused",
        "quota exceeded",
    )


def test_history_limits_and_what_is_remembered() -> None:
    parent = hourly(successfulRunsHistoryLimit=2, failedRunsHistoryLimit=1)
    names = [name(f"01-01 {hour:02}:00") for hour in range(1, 8)]
    for hour, outcome in enumerate(["True", "False", "True", "False", "True", "False", "True"], start=1):
        parent.jump(at(f"01-01 {hour:02}:00"))
        parent.end(names[hour - 1], outcome)
    parent.settle()
    assert list(parent.children) == [names[4], names[5], names[6]]
    assert parent.status["schedule"]["lastSuccessfulTime"] == "2026-01-01T07:00:00Z"
    parent.children.clear()
    parent.settle()
    assert parent.status["schedule"]["lastSuccessfulTime"] == "2026-01-01T07:00:00Z"


def test_what_is_being_deleted_is_not_deleted_again_nor_counted() -> None:
    parent = hourly(successfulRunsHistoryLimit=1)
    for hour in ("01", "02"):
        parent.jump(at(f"01-01 {hour}:00"))
        parent.end(name(f"01-01 {hour}:00"))
    parent.children[name("01-01 01:00")]["metadata"]["deletionTimestamp"] = "2026-01-01T02:00:00Z"
    assert parent.decide().of(DeleteObject) == ()


def test_a_run_that_mlflow_has_yet_to_hear_of_stays() -> None:
    parent = hourly(failedRunsHistoryLimit=0)
    parent.jump(at("01-01 01:00"))
    parent.end(name("01-01 01:00"), "False", closed=False)
    parent.settle()
    assert list(parent.children) == [name("01-01 01:00")]
    parent.end(name("01-01 01:00"), "False")
    parent.settle()
    assert parent.children == {}
