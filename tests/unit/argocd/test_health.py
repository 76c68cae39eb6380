"""Argo CD's health of our kinds, over what releases have written."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from rollmodel.api.crd.kinds import KINDS

from charts.__main__ import REPOSITORY
from tests.support.argo_lua import LuaError, run
from tests.support.recorded import Moment, moments, patched

LUA = REPOSITORY / "config" / "argocd" / "rollmodel.dev"
MOMENTS = list(moments())
Object = dict[str, Any]


def written(moment: Moment) -> Object:
    """The object after the pass."""
    return {
        "kind": moment.kind,
        "metadata": {"name": moment.look["name"], "generation": moment.look["generation"]},
        "spec": moment.look["spec"],
        "status": patched(moment.look["status"], moment.decision.get("status", {})),
    }


def health(obj: Object) -> tuple[str, str | None]:
    answer = run(LUA / obj["kind"] / "health.lua", obj)
    return answer["status"], answer.get("message")


def condition(obj: Object, kind: str) -> Object:
    found = [one for one in obj["status"].get("conditions", []) if one["type"] == kind]
    return found[0] if found else {"status": None, "reason": None, "message": None}


def with_conditions(kind: str, *conditions: tuple[str, str, str], spec: Object | None = None) -> Object:
    """An object that its operator has seen; each condition as type, status, reason."""
    listed = [{"type": one, "status": status, "reason": why, "message": f"{one}!"} for one, status, why in conditions]
    status = {"observedGeneration": 1, "conditions": listed}
    return {"kind": kind, "metadata": {"generation": 1}, "spec": spec or {}, "status": status}


def expected(obj: Object) -> str:
    """What the conditions mean, said in another way than the scripts do: one table for all recorded statuses."""
    outcome = condition(obj, "Succeeded" if obj["kind"] == "TrainingJob" else "Ready")
    if outcome["status"] == "True":
        return "Healthy"
    if obj["kind"] == "TrainingJob" and outcome["status"] == "False":
        return "Degraded"
    if condition(obj, "Stalled")["status"] == "True" and condition(obj, "Stalled")["reason"] != "Paused":
        return "Degraded"
    if condition(obj, "Paused")["status"] == "True":
        return "Degraded" if condition(obj, "Paused")["reason"] == "Failure" else "Suspended"
    if condition(obj, "Suspended")["status"] == "True" or outcome["reason"] == "Suspended":
        return "Suspended"
    return "Healthy" if obj["spec"].get("schedule") else "Progressing"


def test_every_recorded_status_has_the_health_that_its_conditions_mean() -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for moment in MOMENTS:
        obj = written(moment)
        status, message = health(obj)
        assert status == expected(obj), f"{moment.story} {moment.number}: {obj['status']['conditions']}"
        assert message or status == "Progressing", f"{moment.story} {moment.number} says nothing"
        seen[moment.kind, status] += 1
    all_four = {"Healthy", "Progressing", "Degraded", "Suspended"}
    for kind in ("ModelDeployment", "TrainingJob"):
        assert {status for one, status in seen if one == kind} == all_four, seen


@pytest.mark.parametrize(
    ("story", "number", "wanted"),
    [
        ("promoted-by-evidence", -1, "Healthy"),
        ("manual-pause", 1, "Suspended"),
        ("undecided", 1, "Suspended"),
        ("failure-pauses", -1, "Degraded"),
        ("slower", -1, "Degraded"),
        ("first-cannot-start", 1, "Degraded"),
        ("tampered", 3, "Progressing"),
        ("gives-up", -1, "Degraded"),
        ("registered", -1, "Healthy"),
        ("suspended", 3, "Suspended"),
        ("schedule-without-sense", 2, "Degraded"),
        ("schedule", 6, "Healthy"),
        ("schedule", 8, "Suspended"),
    ],
)
def test_a_story_ends_as_people_would_say(story: str, number: int, wanted: str) -> None:
    told = [one for one in MOMENTS if one.story == story]
    assert health(written(told[number]))[0] == wanted


@pytest.mark.parametrize(
    ("obj", "wanted"),
    [
        (with_conditions("DriftPolicy", ("Ready", "Unknown", "NotImplemented"), ("Stalled", "True", "X")), "Degraded"),
        (with_conditions("DriftPolicy", ("Ready", "True", "Stable")), "Healthy"),
        (with_conditions("DriftPolicy", ("Ready", "True", "Stable"), ("DriftDetected", "True", "Drifted")), "Healthy"),
        (with_conditions("DriftPolicy"), "Progressing"),
        (with_conditions("ModelDeployment", ("Stalled", "True", "Refused"), ("Paused", "True", "Command")), "Degraded"),
        (with_conditions("ModelDeployment"), "Progressing"),
        (
            with_conditions("ModelDeployment", ("Ready", "Unknown", "Waiting"), ("Waiting", "True", "Frozen")),
            "Suspended",
        ),
        (with_conditions("TrainingJob"), "Progressing"),
    ],
    ids=str,
)
def test_what_conditions_mean(obj: Object, wanted: str) -> None:
    assert health(obj)[0] == wanted


def test_drift_is_told_in_the_message() -> None:
    drifted = with_conditions("DriftPolicy", ("Ready", "True", "Stable"), ("DriftDetected", "True", "Drifted"))
    assert health(drifted) == ("Healthy", "drift: DriftDetected!")


@pytest.mark.parametrize("kind", [kind.kind for kind in KINDS])
def test_before_the_operator_has_looked_nothing_is_healthy(kind: str) -> None:
    for status in (None, {}, {"observedGeneration": -1}, {"observedGeneration": 1, "conditions": []}):
        obj = {"kind": kind, "metadata": {"generation": 2}, "spec": {}, "status": status}
        assert health(obj) == ("Progressing", "waits for the operator to see this spec")


@pytest.mark.parametrize("kind", [kind.kind for kind in KINDS])
def test_what_is_being_deleted_is_on_its_way(kind: str) -> None:
    outcome = "Succeeded" if kind == "TrainingJob" else "Ready"
    obj = with_conditions(kind, (outcome, "True", "Fine"))
    assert health(obj)[0] == "Healthy"
    obj["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert health(obj) == ("Progressing", "it is being deleted")


@pytest.mark.parametrize(
    "line", ['("a"):find("a")', "string.format('a')", "math.floor(1)", "os.time()", "io.open('a')"]
)
def test_scripts_are_run_without_what_argo_does_not_open(line: str, tmp_path: Any) -> None:
    (tmp_path / "a.lua").write_text(f"return {line}")
    with pytest.raises(LuaError):
        run(tmp_path / "a.lua", {})
