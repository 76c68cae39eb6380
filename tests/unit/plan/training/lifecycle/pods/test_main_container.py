"""Runs whose pods have containers of others, or no pods at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rollmodel.plan.training.lifecycle.pods.job_outcome import job_end
from rollmodel.plan.training.lifecycle.pods.main_container import OTHERS_SECONDS

from tests.support.simulation.trainings.specs import START, job, pod, spec
from tests.support.simulation.trainings.world import World

NOW = START + timedelta(minutes=10)
RUNS: dict[str, Any] = {"name": "istio-proxy", "state": {"running": {}}}
BROKE: dict[str, Any] = {"name": "istio-proxy", "state": {"terminated": {"exitCode": 1}}}


def train(code: int, seconds: int) -> dict[str, Any]:
    """The container that trains, which ended so many seconds ago."""
    ended = {"exitCode": code, "finishedAt": f"{NOW - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"}
    return {"name": "train", "state": {"terminated": ended}}


STILL: dict[str, Any] = {"name": "train", "state": {"running": {}}}


@pytest.mark.parametrize(
    ("pods", "kind"),
    [
        ([[train(0, 60), RUNS]], "Succeeded"),
        ([[train(0, OTHERS_SECONDS - 1), RUNS]], None),
        ([[train(3, 60), RUNS]], "Failure"),
        ([[train(0, 60)]], None),  # the Job says it
        ([[STILL, RUNS]], None),
    ],
)
def test_the_end_of_the_main_container_is_the_end(pods: list[list[dict[str, Any]]], kind: str | None) -> None:
    end = job_end(job(active=1), [pod(containerStatuses=containers) for containers in pods], NOW)
    assert (end.kind if end else None) == kind
    if kind == "Succeeded":
        assert end is not None
        assert "istio-proxy" in end.message
        assert end.at == NOW - timedelta(seconds=60)


@pytest.mark.parametrize(
    ("pods", "kind"),
    [
        ([[train(0, 60), RUNS], [STILL, RUNS]], None),
        ([[train(0, 60), RUNS]], None),  # the other pod has yet to start
        ([[train(0, 60), RUNS], [train(0, 90), RUNS]], "Succeeded"),
        ([[train(0, 60), RUNS], [train(3, 90), RUNS]], "Failure"),
        ([[STILL, RUNS], [train(3, 90), RUNS]], "Failure"),
    ],
)
def test_all_nodes_must_have_ended(pods: list[list[dict[str, Any]]], kind: str | None) -> None:
    end = job_end(job(active=2), [pod(containerStatuses=containers) for containers in pods], NOW, nodes=2)
    assert (end.kind if end else None) == kind


def test_a_sidecar_that_breaks_speaks_for_itself() -> None:
    failed = job(Failed={"reason": "BackoffLimitExceeded"})
    end = job_end(failed, [pod(containerStatuses=[train(0, 60), BROKE])], NOW)
    assert end is not None
    assert end.kind == "Succeeded"
    end = job_end(failed, [pod(containerStatuses=[train(1, 60), BROKE])], NOW)
    assert end is not None
    assert end.kind == "Failure"


def test_a_run_with_a_sidecar_is_registered_and_its_job_goes() -> None:
    world = World(attempts=("sidecar",))
    world.settle()
    assert world.condition("Succeeded")["reason"] == "Registered"
    assert world.runs["run-1"].status == "FINISHED"
    assert world.jobs == []


QUOTA = 'pods "churn-1-x" is forbidden: exceeded quota: tight, requested: pods=1, used: pods=2, limited: pods=2'


def test_pods_that_are_refused_are_told_of_and_start_when_there_is_room() -> None:
    world = World(refused=QUOTA)
    for _ in range(6):
        world.reconcile()
        world.advance()
    for kind in ("Running", "Stalled"):
        assert world.condition(kind)["reason"] == "FailedCreate"
        assert QUOTA in world.condition(kind)["message"]
    assert world.condition("Stalled")["status"] == "True"
    world.refused = None
    world.settle()
    assert world.condition("Succeeded")["reason"] == "Registered"
    assert world.status["attempts"]["failures"] == 0


def test_pods_that_are_refused_for_ever_end_by_the_deadline() -> None:
    world = World(spec=spec(deadlineSeconds=120), refused=QUOTA)
    world.settle()
    assert world.condition("Succeeded")["reason"] == "DeadlineExceeded"
    assert world.jobs == []
