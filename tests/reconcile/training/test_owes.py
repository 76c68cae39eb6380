"""When a TrainingJob is held: while its run is open, or may be opened by the next pass."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from rollmodel.reconcile.training.finalize import RunCloser

RUN: dict[str, Any] = {"runId": "run-1", "runStatus": "RUNNING"}
CLAIM: dict[str, Any] = {"claim": {"token": "one", "time": "2026-01-01T00:00:00Z"}}


def ended(status: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Running", "status": "False"}, {"type": "Succeeded", "status": status}]}


@pytest.mark.parametrize(
    ("status", "held"),
    [
        ({}, True),
        (ended("Unknown"), True),
        ({**ended("Unknown"), **CLAIM}, True),
        ({**ended("Unknown"), **RUN}, True),
        ({**ended("Unknown"), **RUN, "runStatus": "FINISHED"}, True),
        ({**ended("True"), **RUN}, True),
        ({**ended("True"), **RUN, "runStatus": "FINISHED"}, False),
        ({**ended("False"), **RUN, "runStatus": "KILLED"}, False),
        ({**ended("False"), "runId": "run-1"}, True),
        ({**ended("False"), **CLAIM}, True),
        (ended("False"), False),
    ],
)
def test_it_is_held_while_its_run_is_open_or_may_be_opened(status: dict[str, Any], held: bool) -> None:
    assert RunCloser(Mock(), Mock()).owes({"spec": {}, "status": status}) == held


def test_a_schedule_has_no_run_of_its_own() -> None:
    assert not RunCloser(Mock(), Mock()).owes({"spec": {"schedule": {"cron": "0 3 * * *"}}, "status": {}})


def test_one_without_a_status_is_held() -> None:
    assert RunCloser(Mock(), Mock()).owes({"spec": {}})
