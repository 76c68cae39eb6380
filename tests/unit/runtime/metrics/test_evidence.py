"""What the judge says, and what was decided, as series."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.runtime.metrics.operator import Instruments

WHERE = {"namespace": "team", "name": "churn"}
LINE = {"metric": "errors", "verdict": "Undecided", "eValue": "100"}


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


def body(**status: Any) -> dict[str, Any]:
    return {"kind": "ModelDeployment", "metadata": dict(WHERE), "status": status}


def value(instruments: Instruments, metric: str, /, **labels: str) -> float | None:
    return instruments.registry.get_sample_value(f"rollmodel_{metric}", {**WHERE, **labels})


def test_evidence_is_that_of_the_status(instruments: Instruments) -> None:
    instruments.on_pass("uid", body(), body(candidate={"requests": 400}, evidence=[LINE]))
    assert value(instruments, "evidence_log10_e_value", metric="errors") == 2
    assert value(instruments, "evidence_verdict", metric="errors", verdict="Undecided") == 1
    assert value(instruments, "evidence_verdict", metric="errors", verdict="Harmful") == 0
    assert value(instruments, "judged_requests") == 400


def test_without_a_candidate_there_is_none(instruments: Instruments) -> None:
    trying = body(candidate={"requests": 400}, evidence=[LINE])
    instruments.on_pass("uid", body(), trying)
    instruments.on_pass("uid", trying, body(evidence=[LINE]))
    assert value(instruments, "evidence_log10_e_value", metric="errors") is None
    assert value(instruments, "evidence_verdict", metric="errors", verdict="Undecided") is None
    assert value(instruments, "judged_requests") is None


@pytest.mark.parametrize(
    ("text", "number"), [("1", 0), ("0.01", -2), ("1.2e+09", 9.079), ("inf", 300), ("0", None), (None, None)]
)
def test_numbers_are_as_people_read_them_elsewhere(
    instruments: Instruments, text: str | None, number: float | None
) -> None:
    instruments.on_pass("uid", body(), body(candidate={"requests": 1}, evidence=[{**LINE, "eValue": text}]))
    found = value(instruments, "evidence_log10_e_value", metric="errors")
    assert found == (None if number is None else pytest.approx(number, abs=0.001))


def test_the_last_decision_of_each_verdict_has_its_time(instruments: Instruments) -> None:
    history = [
        {"verdict": "RolledBack", "time": "2026-01-03T00:00:00Z"},
        {"verdict": "RolledBack", "time": "2026-01-01T00:00:00Z"},
        {"verdict": "Promoted", "time": "2026-01-02T00:00:00Z"},
    ]
    instruments.on_pass("uid", body(), body(history=history))
    day = 86400
    assert value(instruments, "last_decision_timestamp_seconds", verdict="RolledBack") == 1767398400
    assert value(instruments, "last_decision_timestamp_seconds", verdict="Promoted") == 1767398400 - day
    assert value(instruments, "last_decision_timestamp_seconds", verdict="Aborted") is None


def test_series_go_with_their_object(instruments: Instruments) -> None:
    instruments.on_pass("uid", body(), body(candidate={"requests": 1}, evidence=[LINE]))
    instruments.forget("uid")
    assert value(instruments, "judged_requests") is None
