"""Every wait of a run for its pods has an end, or somebody is told; it goes on by itself when the obstacle is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rollmodel.plan.timing import Timing
from rollmodel.plan.training.decide import decide

from tests.support.simulation.trainings.specs import DEFAULTS, START, job, observed, run, spec
from tests.support.simulation.trainings.world import World

PATIENCE = 120.0
NO_NODE: dict[str, Any] = {
    "phase": "Pending",
    "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: taint gpu"}
    ],
}
MOUNTING: dict[str, Any] = {
    "phase": "Pending",
    "containerStatuses": [{"name": "train", "state": {"waiting": {"reason": "ContainerCreating"}}}],
}
FETCHING: dict[str, Any] = {
    "phase": "Pending",
    "initContainerStatuses": [{"name": "fetch-rows", "state": {"running": {"startedAt": "2026-01-01T00:00:20Z"}}}],
    "containerStatuses": [{"name": "train", "state": {"waiting": {"reason": "PodInitializing"}}}],
}


def world_of(**fields: Any) -> World:
    """A run of an operator that tells after two minutes."""
    wished = fields.pop("spec", spec())
    return World(wished, defaults=replace(DEFAULTS, timing=Timing(pending=PATIENCE)), **fields)


def passes(world: World, seconds: float) -> None:
    """As many passes as that takes."""
    for _ in range(int(seconds // 5)):
        world.reconcile()
        world.advance(5)


@pytest.mark.parametrize(
    ("stuck", "reason", "words"),
    [
        (NO_NODE, "Unschedulable", "0/3 nodes: taint gpu"),
        (MOUNTING, "PodsNotStarted", "container train: ContainerCreating"),
        ({}, "PodsNotStarted", "Job churn-1 has no pods"),
    ],
)
def test_pods_that_do_not_start_are_told_of_and_start_when_they_can(
    stuck: dict[str, Any], reason: str, words: str
) -> None:
    world = world_of(stuck=stuck)
    passes(world, PATIENCE - 10)
    assert world.condition("Stalled")["status"] == "False"
    passes(world, 30)
    assert (world.condition("Stalled")["status"], world.condition("Stalled")["reason"]) == ("True", reason)
    assert words in world.condition("Stalled")["message"]
    assert "120 s" in world.condition("Stalled")["message"]
    assert [(event.type, event.reason) for event in world.events if event.type == "Warning"] == [("Warning", reason)]
    passes(world, 600)
    assert sum(event.type == "Warning" for event in world.events) == 1
    world.stuck = None
    world.settle()
    assert world.condition("Succeeded")["reason"] == "Registered"
    assert world.condition("Stalled")["status"] == "False"


def test_once_it_is_told_pods_are_asked_for_less_often() -> None:
    world = world_of(stuck=NO_NODE)
    passes(world, 60)
    assert world.reconcile().requeue_after == 5
    passes(world, PATIENCE)
    assert world.reconcile().requeue_after == DEFAULTS.poll_seconds


def fetching(deadline: int | None, *, hours: float) -> World:
    """A run whose fetch has been at work for so long."""
    world = world_of(stuck=FETCHING, spec=spec(deadlineSeconds=deadline))
    passes(world, 30)
    world.advance(hours * 3600)
    world.reconcile()
    return world


def test_a_fetch_that_runs_is_at_work_for_hours() -> None:
    world = fetching(None, hours=5.9)
    assert world.condition("Stalled")["status"] == "False"
    said = world.condition("Succeeded")["message"]
    assert said.startswith("container fetch-rows of pod churn-1-x is at work since 2026-01-01T00:00:20Z")
    assert "kubectl logs churn-1-x -c fetch-rows" in said


def test_a_fetch_that_nothing_ends_is_told_of() -> None:
    world = fetching(None, hours=6.1)
    assert world.condition("Stalled")["reason"] == "InitOverdue"
    assert [event.reason for event in world.events if event.type == "Warning"] == ["InitOverdue"]
    world.stuck = None
    world.settle()
    assert world.condition("Succeeded")["reason"] == "Registered"
    assert fetching(86_400, hours=6.1).condition("Stalled")["status"] == "False"


def test_a_sidecar_that_starts_first_fetches_nothing() -> None:
    """Native sidecars are init containers that go on."""
    sidecar = {"name": "istio-proxy", "ready": True, "state": {"running": {"startedAt": "2026-01-01T00:00:20Z"}}}
    world = world_of(stuck={**MOUNTING, "initContainerStatuses": [sidecar]})
    passes(world, PATIENCE + 30)
    assert world.condition("Stalled")["reason"] == "PodsNotStarted"


@pytest.mark.parametrize(
    ("reason", "stalls"),
    [(None, "KueueNotFound"), ("Inadmissible", "Inadmissible"), ("", "NoWorkload"), ("Pending", None)],
)
def test_a_queue_that_nobody_serves_is_told_of(reason: str | None, stalls: str | None) -> None:
    world = world_of(spec=spec(queueName="gpus"))
    passes(world, 30)
    [job] = [one for one in world.children() if one["kind"] == "Job"]
    waits = {"type": "QuotaReserved", "status": "False", "reason": reason, "message": "LocalQueue gpus doesn't exist"}
    workload = {
        "metadata": {"name": "job-churn-1", "ownerReferences": [{"uid": job["metadata"]["uid"]}]},
        "spec": {"queueName": "gpus"},
        "status": {"conditions": [waits]},
    }
    world.workloads = None if reason is None else [workload] if reason else []
    passes(world, 2 * PATIENCE)
    stalled = world.condition("Stalled")
    assert (stalled["reason"] if stalled["status"] == "True" else None) == stalls
    world.objects["Job", "churn-1"]["spec"]["suspend"] = False  # as Kueue does when it admits
    world.settle()
    assert world.condition("Succeeded")["reason"] == "Registered"


def test_time_in_the_queue_is_no_time_of_pods() -> None:
    world = world_of(spec=spec(queueName="gpus"), workloads=[])
    passes(world, 30)
    world.workloads = None
    passes(world, 5 * PATIENCE)
    world.stuck = NO_NODE
    world.objects["Job", "churn-1"]["spec"]["suspend"] = False
    passes(world, PATIENCE - 20)
    assert world.condition("Stalled")["status"] == "False"
    passes(world, 40)
    assert world.condition("Stalled")["reason"] == "Unschedulable"


RAN = {"type": "Running", "status": "True", "reason": "Running", "message": "", "observedGeneration": 1}
LOST = {"metadata": {"name": "churn-1-x", "deletionTimestamp": "2026-01-01T00:59:30Z"}, "status": {"phase": "Running"}}


def ran(*pods: dict[str, Any], minutes: int = 60, **seen: Any) -> dict[str, Any]:
    """What Stalled says of a run of an hour whose pods do not run any more."""
    status = {
        "runId": "run-1",
        "jobName": "churn-1",
        "attempts": {"started": 1},
        "conditions": [{**RAN, "lastTransitionTime": "2026-01-01T00:00:10Z"}],
    }
    look = observed(spec(), status, children=(job(active=0, ready=0, **seen),), run=run(), pods=pods)
    decision = decide(replace(look, now=START + timedelta(minutes=minutes)))
    return next(one for one in decision.status["conditions"] if one["type"] == "Stalled")


def test_pods_that_have_run_are_no_pods_that_did_not_start() -> None:
    """The Job counts what ended in two steps, and a pod that is deleted has its grace period."""
    assert ran(uncountedTerminatedPods={"succeeded": ["uid-x"]})["status"] == "False"
    assert ran(LOST, terminating=1)["status"] == "False"


def test_a_pod_that_does_not_end_is_told_of() -> None:
    stalled = ran(LOST, terminating=1, minutes=75)
    assert (stalled["status"], stalled["reason"]) == ("True", "PodsNotEnded")
    assert "pod churn-1-x should have ended more than 600 s ago" in stalled["message"]


def gang(others: list[dict[str, Any]], *, active: int, refusals: tuple[str, ...] = ()) -> dict[str, Any]:
    """What Stalled says of a run on two nodes of which one runs."""
    run_pod = {"metadata": {"name": "churn-1-0"}, "status": {"phase": "Running"}}
    begun = job(active=active, ready=1, startTime="2026-01-01T00:00:00Z")
    status = {"runId": "run-1", "jobName": "churn-1", "attempts": {"started": 1}}
    look = observed(spec(nodes=2), status, children=(begun,), run=run(), pods=(run_pod, *others), refusals=refusals)
    decision = decide(replace(look, now=START + timedelta(hours=1)))
    return next(one for one in decision.status["conditions"] if one["type"] == "Stalled")


def test_one_of_several_nodes_that_does_not_start_is_told_of() -> None:
    waits = {"metadata": {"name": "churn-1-1", "creationTimestamp": "2026-01-01T00:00:00Z"}, "status": NO_NODE}
    assert gang([waits], active=2)["reason"] == "Unschedulable"
    young = {**waits, "metadata": {"name": "churn-1-1", "creationTimestamp": "2026-01-01T00:59:00Z"}}
    assert gang([young], active=2)["status"] == "False"
    assert gang([], active=1, refusals=("exceeded quota: tight",))["reason"] == "FailedCreate"
    assert "has 1 of 2 pods" in gang([], active=1)["message"]
