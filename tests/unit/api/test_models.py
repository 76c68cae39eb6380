"""What Python does with objects that the API server has checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rollmodel.api.base import LocalRef
from rollmodel.api.conditions import Condition, find, upsert
from rollmodel.api.fields.decimals import decimal
from rollmodel.api.modeldeployment import (
    ArmStatus,
    EnvVar,
    HistoryEntry,
    ModelDeploymentSpec,
    ModelDeploymentStatus,
    Runtime,
)
from rollmodel.text import plain

SMALLEST = {"model": {"registry": {"name": "churn", "alias": "challenger"}}}
NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def test_fields_of_a_newer_version_are_ignored_at_every_depth() -> None:
    newer = {"model": {"registry": {"name": "churn", "alias": "challenger", "mirror": "x"}, "x": 1}, "shadow": {}}
    assert ModelDeploymentSpec.model_validate(newer) == ModelDeploymentSpec.model_validate(SMALLEST)


def test_an_object_that_breaks_a_later_rule_still_parses() -> None:
    """Rules are the API server's: what was stored under older rules must not stop the operator."""
    both = {"model": {"registry": {"name": "churn", "alias": "a", "version": "7"}, "uri": "s3://x/y"}}
    assert ModelDeploymentSpec.model_validate(both).model.uri == "s3://x/y"


@given(st.text(max_size=6000))
def test_long_texts_of_status_are_cut_not_refused(text: str) -> None:
    entry = HistoryEntry(time=NOW, verdict="RolledBack", to_revision="b7c2", reason=text)
    assert len(entry.reason) <= 4096
    shown = plain(text)
    assert entry.reason == shown or (entry.reason.endswith("…") and shown.startswith(entry.reason[:-1]))


def test_a_text_that_a_copy_brought_in_is_cut_too() -> None:
    arm = ArmStatus(revision="b7c2").model_copy(update={"reason": "x" * 9999})
    written = ModelDeploymentStatus.model_validate({"stable": arm, "retiring": [arm]}).to_wire()
    assert [len(written["stable"]["reason"]), len(written["retiring"][0]["reason"])] == [4096, 4096]


def test_the_birth_value_of_status_parses() -> None:
    assert ModelDeploymentStatus.model_validate({"observedGeneration": -1}).observed_generation == -1


def test_a_variable_from_a_secret_is_written_as_kubernetes_has_it() -> None:
    wire = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "store"}}}
    assert EnvVar.model_validate(wire).to_wire() == wire


def test_whole_numbers_of_quantities_become_text() -> None:
    runtime = Runtime.model_validate({"resources": {"limits": {"nvidia.com/gpu": 1}}})
    assert runtime.to_wire()["resources"] == {"limits": {"nvidia.com/gpu": "1"}}


@pytest.mark.parametrize("name", ["", "A", "a/b", "../a", "-a", "a-", "a..b", "a" * 254])
def test_names_that_would_change_an_api_path_are_refused_in_python_too(name: str) -> None:
    with pytest.raises(ValidationError):
        LocalRef(name=name)


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("0.05", 0.05), ("-1.5", -1.5), ("100", 100.0)])
def test_decimals_are_numbers(text: str, number: float) -> None:
    assert decimal(text) == number


def _ready(status: str, conditions: list[Condition], *, now: str, reason: str = "Because") -> list[Condition]:
    line = Condition.model_validate(
        {"type": "Ready", "status": status, "reason": reason, "message": "", "lastTransitionTime": now}
    )
    return upsert(conditions, "Ready", line.status, line.reason, line.message, generation=1, now=now)


def test_a_condition_keeps_its_time_until_its_status_flips() -> None:
    first = _ready("False", [], now=NOW)
    same = _ready("False", first, now=LATER, reason="Other")
    flipped = _ready("True", same, now=LATER)
    times = [found.last_transition_time for found in (same[0], flipped[0])]
    assert times == [NOW, LATER]
    assert same[0].reason == "Other"


def test_a_condition_keeps_its_place() -> None:
    conditions = upsert(_ready("True", [], now=NOW), "Stalled", "False", "Fine", "", generation=1, now=NOW)
    again = _ready("False", conditions, now=LATER)
    assert [condition.type for condition in again] == ["Ready", "Stalled"]
    assert find(again, "Stalled") == conditions[1]
    assert find(again, "Paused") is None
