"""What one line says about an object, and when its fate is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rollmodel.cli.common.printing.rows import HEADINGS, Row, number, row_of
from rollmodel.cli.training import tables as training
from rollmodel.cli.watch import fate
from rollmodel.errors import Invalid

from tests.support.simulation.trainings.statuses import GATES, SPEC, conditions, running, status

NOW = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)


def tjob(state: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "churn", "namespace": "prod", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"kind": "TrainingJob", "metadata": metadata, "spec": {**SPEC, **spec}, "status": state or {}}


def mdep(state: dict[str, Any]) -> dict[str, Any]:
    spec = {"rollout": {"steps": [{"weight": 10}, {"weight": 50}]}}
    return {**tjob(state), "kind": "ModelDeployment", "spec": spec}


def ready(value: str, reason: str, reconciling: str = "False", generation: int = 1, **more: Any) -> dict[str, Any]:
    (line,) = conditions(value, reason)
    lines = [{**line, "type": "Ready"}, {**line, "type": "Reconciling", "status": reconciling}]
    return {"observedGeneration": generation, "conditions": lines, **more}


def test_cells_are_those_of_the_headings() -> None:
    assert len(Row("x", "y").cells) == len(HEADINGS)


@pytest.mark.parametrize(
    ("state", "cells"),
    [
        ({}, {"state": "Pending"}),
        (running(), {"state": "Running", "attempt": "2", "step": "30", "metric": "f1 0.81", "age": "5 min"}),
        (
            running(progress={"step": 7, "metrics": [{"name": "loss", "value": "0.321456"}]}),
            {"metric": "loss 0.3215", "step": "7"},
        ),
        (running(progress={"step": 7, "estimatedCompletionTime": "2026-01-01T00:25:00Z"}), {"eta": "20 min"}),
        (running(queue={"position": 3, "reason": "QuotaExhausted"}), {"queue": "3 ahead"}),
        (running(queue={"reason": "QuotaExhausted"}), {"queue": "QuotaExhausted"}),
        (
            status("False", "GatesFailed", gates=list(GATES), queue={"position": 3}),
            {"state": "GatesFailed", "gates": "1/2", "eta": "", "queue": "", "version": ""},
        ),
        (status("True", "Registered", modelVersion="4"), {"state": "Succeeded", "version": "4"}),
    ],
)
def test_a_training_job(state: dict[str, Any], cells: dict[str, str]) -> None:
    row = row_of(tjob(state), NOW)
    assert {name: getattr(row, name) for name in cells} == cells


def test_a_schedule_says_when_it_runs_next() -> None:
    state = {"schedule": {"nextScheduleTime": "2026-01-01T03:05:00Z"}}
    assert row_of(tjob(state, schedule={"cron": "5 3 * * *"}), NOW).eta == "next in 3 h"


def test_a_model_deployment_being_tried() -> None:
    evidence = [
        {"metric": "errors", "verdict": "ProvenSafe"},
        {"metric": "latency", "verdict": "Undecided", "untilDecision": "about 3 min"},
    ]
    arms: dict[str, Any] = {
        "stable": {"revision": "aaa", "modelVersion": "7", "weight": 90},
        "candidate": {"revision": "bbb", "modelVersion": "8", "weight": 10, "step": 0},
    }
    row = row_of(mdep(ready("Unknown", "RollingOut", "True", evidence=evidence, **arms)), NOW)
    assert (row.state, row.step, row.metric, row.eta) == ("RollingOut", "1/2", "latency Undecided", "about 3 min")
    assert row.version == "7 → 8 (10 %)"


def test_a_status_of_another_version() -> None:
    with pytest.raises(Invalid, match=r"status\.attempts of churn cannot be read"):
        row_of(tjob({"attempts": "many"}), NOW)


@pytest.mark.parametrize(
    ("manifest", "known"),
    [
        (tjob(), None),
        (tjob(running()), None),
        (tjob(status("True", "Registered")), True),
        (tjob(status("False", "GatesFailed")), False),
        (mdep({}), None),
        (mdep(ready("True", "Serving")), True),
        (mdep(ready("False", "RolledBack")), False),
        (mdep(ready("Unknown", "RollingOut", reconciling="True")), None),
        (mdep(ready("True", "Serving", generation=0)), None),
    ],
)
def test_fate(manifest: dict[str, Any], known: bool | None) -> None:
    assert fate(manifest) is known


@pytest.mark.parametrize(
    ("text", "shown"), [("0.123456", "0.1235"), ("12345678", "1.235e+07"), ("nan", "nan"), ("?", "?")]
)
def test_numbers(text: str, shown: str) -> None:
    assert number(text) == shown


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (None, "0af7651916cd43dd8448eb211c80319c (RUNNING)"),
        ("http://m/", "http://m/#/experiments/3/runs/0af7651916cd43dd8448eb211c80319c (RUNNING)"),
    ],
)
def test_the_run(url: str | None, link: str) -> None:
    from rollmodel.api.trainingjob import TrainingJobStatus

    assert training.run_link(TrainingJobStatus.model_validate(running()), url) == link


def test_markup_in_a_status_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    console = Console(width=160)
    for part in training.described(tjob(running(runStatus="[bold]x[/]")), NOW + timedelta(hours=1), None):
        console.print(part)
    assert "([bold]x[/])" in capsys.readouterr().out
