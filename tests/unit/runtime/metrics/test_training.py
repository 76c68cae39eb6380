"""TrainingJobs are counted by namespace and by what they do; runs come and go without end."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.metrics.training import STATES


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


def job(name: str = "train", **status: Any) -> dict[str, Any]:
    return {"kind": "TrainingJob", "metadata": {"namespace": "team", "name": name}, "status": status}


def conditions(**told: str) -> list[dict[str, str]]:
    """Of ``Succeeded="False/GatesFailed"`` and the like."""
    return [
        {"type": kind, "status": word.partition("/")[0], "reason": word.partition("/")[2] or "A"}
        for kind, word in told.items()
    ]


def value(instruments: Instruments, metric: str, /, **labels: str) -> float | None:
    return instruments.registry.get_sample_value(f"rollmodel_training_{metric}", labels)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "Waiting"),
        ({"conditions": conditions(Succeeded="Unknown/Pending", Running="False")}, "Waiting"),
        ({"conditions": conditions(Succeeded="Unknown/Running", Running="True")}, "Running"),
        ({"conditions": conditions(Succeeded="Unknown/A", Running="True", Stalled="True")}, "Stalled"),
        ({"conditions": conditions(Succeeded="Unknown/Suspended")}, "Suspended"),
        ({"conditions": conditions(Succeeded="Unknown/Idle"), "schedule": {}}, "Scheduled"),
        ({"conditions": conditions(Succeeded="True", Running="False")}, "Succeeded"),
        ({"conditions": conditions(Succeeded="False/GatesFailed")}, "Failed"),
    ],
)
def test_each_is_counted_where_it_belongs(instruments: Instruments, status: dict[str, Any], state: str) -> None:
    instruments.on_pass("uid", job(), job(**status))
    instruments.on_pass("other", job("other"), job("other", **status))
    counted = {word: value(instruments, "jobs", namespace="team", state=word) for word in STATES}
    assert counted == {word: 2.0 if word == state else 0.0 for word in STATES}
    instruments.forget("uid")
    assert value(instruments, "jobs", namespace="team", state=state) == 1
    instruments.forget("other")
    assert value(instruments, "jobs", namespace="team", state=state) is None


def test_what_a_run_cost_is_counted_once(instruments: Instruments) -> None:
    times = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:10:00Z"}
    tried = {"failures": 1, "disruptions": 2}
    running = job(conditions=conditions(Running="True"), attempts=tried, startTime=times["startTime"])
    ended = job(conditions=conditions(Succeeded="True"), attempts={**tried, "gpuSeconds": 1200}, **times)
    instruments.on_pass("uid", job(), running)
    instruments.on_pass("uid", running, ended)
    instruments.on_pass("uid", ended, ended)
    assert value(instruments, "attempts_total", result="Failure") == 1
    assert value(instruments, "attempts_total", result="Disruption") == 2
    assert value(instruments, "gpu_seconds_total", namespace="team") == 1200
    assert value(instruments, "seconds_count", result="Succeeded") == 1
    assert value(instruments, "seconds_sum", result="Succeeded") == 600


def test_a_run_that_never_had_a_pod_took_no_time(instruments: Instruments) -> None:
    ended = job(conditions=conditions(Succeeded="False/InvalidSpec"), completionTime="2026-01-01T00:00:00Z")
    instruments.on_pass("uid", job(), ended)
    assert value(instruments, "seconds_count", result="Failed") is None


def test_a_schedule_says_when_it_last_succeeded(instruments: Instruments) -> None:
    instruments.on_pass("uid", job(), job(schedule={"lastSuccessfulTime": "1970-01-01T00:01:00Z"}))
    assert value(instruments, "last_success_timestamp_seconds", namespace="team", name="train") == 60
