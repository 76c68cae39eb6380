"""Whole runs in the small world: from the object to its one outcome."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.simulation.trainings.job_controller import Behaviour
from tests.support.simulation.trainings.specs import spec
from tests.support.simulation.trainings.world import World


def test_good_run_is_registered_and_closed() -> None:
    world = World()
    world.settle()
    assert world.condition("Succeeded") | {"lastTransitionTime": ""} == {
        "type": "Succeeded",
        "status": "True",
        "observedGeneration": 1,
        "lastTransitionTime": "",
        "reason": "Registered",
        "message": "version 1 of churn was registered",
    }
    assert world.aliases == {"challenger": "1"}
    run = world.runs["run-1"]
    assert run.status == "FINISHED"
    assert run.params == {"depth": "3"}
    assert run.tags["rollmodel.dev/gates"] == "Passed"
    assert run.tags["rollmodel.dev/model-version"] == "1"
    assert world.versions[0].tags["rollmodel.dev/run-id"] == "run-1"
    assert (
        world.versions[0].tags["rollmodel.dev/reproducibility-hash"] == run.tags["rollmodel.dev/reproducibility-hash"]
    )
    assert world.status["attempts"]["started"] == 1


def test_a_param_that_the_code_logged_first_with_another_value() -> None:
    """MLflow never changes a param: the run keeps it, and says beside it what was asked."""
    world = World()
    world.reconcile()
    while not world.runs:
        world.advance()
        world.reconcile()
    world.runs["run-1"] = replace(world.runs["run-1"], params={"depth": "4"})
    world.settle()
    run = world.runs["run-1"]
    assert (run.status, run.params) == ("FINISHED", {"depth": "4"})
    assert run.tags["rollmodel.dev/parameter/depth"] == "3"


def test_failed_gate_registers_nothing_and_says_why() -> None:
    world = World(attempts=("bad-metric",))
    world.settle()
    assert world.condition("Succeeded")["reason"] == "GatesFailed"
    assert "auc Min" in world.condition("Succeeded")["message"]
    assert world.versions == []
    assert world.condition("ModelRegistered")["status"] == "False"
    assert world.runs["run-1"].tags["rollmodel.dev/gates"] == "Failed"
    assert world.runs["run-1"].status == "FINISHED"


@pytest.mark.parametrize(
    ("attempts", "reason", "counts", "run_status"),
    [
        (("fail", "good"), "Registered", (2, 1, 0), "FINISHED"),
        (("fail", "fail"), "TooManyFailures", (2, 2, 0), "FAILED"),
        (("evict", "evict", "good"), "Registered", (3, 0, 2), "FINISHED"),
        (("evict", "evict", "evict"), "TooManyDisruptions", (3, 0, 3), "FAILED"),
        (("evict", "fail", "good"), "Registered", (3, 1, 1), "FINISHED"),
        (("bad-data",), "DataInvalid", (1, 1, 0), "FAILED"),
    ],
)
def test_budgets_are_apart(
    attempts: tuple[Behaviour, ...], reason: str, counts: tuple[int, int, int], run_status: str
) -> None:
    world = World(spec=spec(dataValidation={}), attempts=attempts)
    world.settle()
    assert world.condition("Succeeded")["reason"] == reason
    seen = world.status["attempts"]
    assert (seen["started"], seen["failures"], seen["disruptions"]) == counts
    assert world.runs["run-1"].status == run_status


def test_deleted_job_is_a_disruption() -> None:
    world = World(attempts=("hang", "good"))
    for _ in range(6):
        world.reconcile()
        world.advance()
    world.remove_job()
    world.settle()
    assert world.condition("Succeeded")["reason"] == "Registered"
    assert world.status["attempts"]["disruptions"] == 1
    assert "JobDeleted" in world.status["attempts"]["lastFailure"]


def test_deadline_ends_a_job_that_hangs_and_kills_the_run() -> None:
    world = World(spec=spec(deadlineSeconds=120), attempts=("hang",))
    world.settle()
    assert world.condition("Succeeded")["reason"] == "DeadlineExceeded"
    assert world.runs["run-1"].status == "KILLED"
    assert world.jobs == []


def test_budget_ends_a_job_and_counts_gpu_seconds() -> None:
    template = {"image": "a:1", "resources": {"limits": {"nvidia.com/gpu": 4}}}
    world = World(spec=spec(template=template, budget={"gpuHours": "0.1"}), attempts=("hang",))
    world.settle()
    assert world.condition("Succeeded")["reason"] == "BudgetExceeded"
    assert 360 <= world.status["attempts"]["gpuSeconds"] < 400
    assert world.runs["run-1"].status == "KILLED"


def test_suspended_from_the_start_creates_nothing_until_resumed() -> None:
    world = World(spec=spec(suspend="Suspended"))
    for _ in range(5):
        assert world.reconcile().requeue_after is None
        world.advance()
    assert world.runs == {}
    assert world.condition("Suspended")["status"] == "True"
    assert world.condition("Reconciling")["status"] == "False"
    world.spec = spec()
    world.settle()
    assert world.condition("Succeeded")["status"] == "True"
    assert world.condition("Suspended")["status"] == "False"


def test_suspending_a_running_job_suspends_it_and_costs_no_attempt() -> None:
    world = World(attempts=("good",))
    for _ in range(4):
        world.reconcile()
        world.advance()
    world.spec = spec(suspend="Suspended")
    world.reconcile()
    assert world.objects["Job", "churn-1"]["spec"]["suspend"] is True
    world.spec = spec()
    world.settle()
    assert world.status["attempts"]["started"] == 1
    assert world.condition("Succeeded")["status"] == "True"


def test_with_a_queue_the_job_is_withdrawn_and_queued_again() -> None:
    world = World(spec=spec(queueName="team"))
    for _ in range(3):
        world.reconcile()
        world.advance()
    assert world.objects["Job", "churn-1"]["spec"]["suspend"] is True
    assert world.condition("Running")["reason"] == "Queued"
    world.objects["Job", "churn-1"]["spec"]["suspend"] = False
    world.advance()
    world.reconcile()
    world.advance()
    world.reconcile()
    assert world.condition("Running")["status"] == "True"
    world.spec = spec(queueName="team", suspend="Suspended")
    world.reconcile()
    assert world.jobs == []
    world.spec = spec(queueName="team")
    world.reconcile()
    assert world.jobs == ["churn-2"]
    assert world.status["attempts"]["disruptions"] == 0


def test_time_to_live_deletes_jobs_and_keeps_the_status() -> None:
    world = World(spec=spec(ttlSecondsAfterFinished=300))
    world.settle()
    assert world.jobs == ["churn-1"]
    world.advance(300)
    assert world.reconcile().requeue_after is None
    assert world.jobs == []
    assert world.condition("Succeeded")["status"] == "True"
    assert world.status["modelVersion"] == "1"


@pytest.mark.parametrize("down_at", range(0, 80, 5))
def test_mlflow_away_for_a_while_loses_nothing(down_at: int) -> None:
    world = World()
    for step in range(200):
        world.mlflow_up = not down_at <= step * 5 < down_at + 100
        world.reconcile()
        world.advance()
    assert world.condition("Succeeded")["status"] == "True"
    assert world.runs["run-1"].status == "FINISHED"
    assert world.aliases == {"challenger": "1"}


def test_no_pod_before_the_run() -> None:
    world = World(mlflow_up=False)
    for _ in range(5):
        world.reconcile()
        world.advance()
    assert world.jobs == []
    assert world.condition("Succeeded")["reason"] == "TrackingUnavailable"


def test_at_rest_nothing_is_wanted_or_written() -> None:
    world = World(spec=spec(ttlSecondsAfterFinished=60))
    world.settle()
    world.advance(60)
    world.reconcile()
    before = world.version
    look = world.observe()
    decision = world.act(look, world.version)
    assert world.version == before
    assert look.run is None
    assert decision.requeue_after is None
