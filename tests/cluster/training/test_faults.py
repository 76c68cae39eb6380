"""MLflow goes away, the operator dies, two are alive, two runs meet: nothing is lost, and nothing happens twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import TrainingJobStatus

from tests.cluster.training.conftest import Training, Without
from tests.support.eventually import eventually
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.training import LiveTraining
from tests.support.running.effort import effort

pytestmark = pytest.mark.cluster


async def _registered_once(churn: LiveTraining, model: str) -> None:
    """One run, one version, and the alias at it."""
    assert await churn.outcome() == ("True", "Registered")
    status, run = await churn.status(), await churn.run()
    assert (run["id"], run["status"]) == (status.run_id, "FINISHED")
    assert run["tags"]["rollmodel.dev/model-version"] == "1"
    assert list(await churn.versions(model)) == ["1"]
    assert await churn.aliased(model) == "1"
    assert status.attempts is not None
    assert (status.attempts.started, status.attempts.failures, status.attempts.disruptions) == (1, 0, 0)


async def test_mlflow_is_down_at_each_moment(
    training: Training, without_mlflow: Without, model: str, tmp_path: Path
) -> None:
    """Before a run exists, while the pods run, and when it is to be registered; one is deleted meanwhile."""
    new, busy, gone = training("new"), training("busy"), training("gone")
    go = tmp_path / "go"
    await busy.create(f"{model}-busy", told={"hold": str(go)})
    await gone.create(told={"hold": str(tmp_path / "never")})
    await asyncio.gather(busy.until_running(), gone.until_running())
    async with without_mlflow():
        await new.create(f"{model}-new")
        message = await new.until_condition("Succeeded", "Unknown", "TrackingUnavailable")
        assert "MLflow" in message
        assert await new.list("Job", "rollmodel.dev/training-job=new") == []
        await gone.delete()
        await gone.until_absent()
        assert len(await busy.pods()) == 1
    go.touch()
    await _registered_once(new, f"{model}-new")
    await _registered_once(busy, f"{model}-busy")


async def test_mlflow_is_down_at_registration(
    training: Training, operator: OperatorProcess, without_mlflow: Without, model: str, tmp_path: Path
) -> None:
    """The code has logged all it wanted; nobody was there to evaluate gates, and then MLflow was not."""
    churn, go = training("churn"), tmp_path / "go"
    await churn.create(model, told={"hold": str(go)})
    await churn.until_running()
    operator.kill()
    go.touch()

    async def completed() -> object:
        return ((await churn.get("Job", "churn-1") or {}).get("status") or {}).get("completionTime")

    await eventually(completed, bool, "the Job completes")
    async with without_mlflow():
        operator.ensure()
        await operator.ready()
        await churn.until_condition("Succeeded", "Unknown", "TrackingUnavailable")
        assert (await churn.status()).gates == []
    await _registered_once(churn, model)


def _moment(status: TrainingJobStatus) -> object:
    """Where the run stands."""
    conditions = [(one.type, one.status, one.reason) for one in status.conditions]
    return conditions, status.run_id, status.run_status, status.claim, status.job_name, status.model_version


async def _moved(churn: LiveTraining) -> None:
    """Wait until the status says that something happens, or that nothing will."""
    seen = _moment(await churn.status())
    await eventually(
        churn.status, lambda status: _moment(status) != seen or status.run_status == "FINISHED", "something happens"
    )


async def test_killed_again_and_again(training: Training, operator: OperatorProcess, model: str) -> None:
    """kill -9 whenever status says what happens next, in the middle of doing it."""
    churn = training("churn")
    await churn.create(model)
    kills = 0
    while (await churn.status()).run_status != "FINISHED" and kills < effort(3, 1000):
        await _moved(churn)
        operator.kill()
        kills += 1
        operator.ensure()
        await operator.ready()
    assert kills > 1  # how many moments one can see depends on the machine
    await _registered_once(churn, model)


@pytest.mark.slow  # in memory any two orders of writes meet in make test
async def test_two_operators(training: Training, operator: OperatorProcess, model: str, tmp_path: Path) -> None:
    """They know nothing of each other, and drive the same runs."""
    second = operator.twin(tmp_path / "second.log")
    second.ensure()
    try:
        await second.ready()
        jobs = [training(f"churn-{number}") for number in range(4)]
        await asyncio.gather(*(one.create(f"{model}-{one.name}") for one in jobs))
        for one in jobs:
            await _registered_once(one, f"{model}-{one.name}")
        assert await second.count("rollmodel_neighbour_request_seconds_count", neighbour="tracking") > 0
    finally:
        second.stop()
    assert "Traceback" not in second.log()


async def test_a_cron_line_that_never_fires(training: Training) -> None:
    parent = training("parent")
    await parent.create(schedule={"cron": "0 0 30 2 *"})
    message = await parent.until_condition("Stalled", "True")
    assert "'0 0 30 2 *'" in message
    assert "never due" in message


async def test_what_takes_its_time(training: Training, model: str, tmp_path: Path) -> None:
    """Side by side, for one waits until a claim is old, and one for the next minute."""
    async with asyncio.TaskGroup() as stories:
        stories.create_task(_register_the_same_model(training, model, tmp_path))
        stories.create_task(_starts_a_child(training, f"{model}-scheduled"))


async def _register_the_same_model(training: Training, model: str, tmp_path: Path) -> None:
    """Two versions, and the alias at the higher, also when all is confirmed."""
    one, two, go = training("one"), training("two"), tmp_path / "go"
    for each in (one, two):
        await each.create(model, told={"hold": str(go)})
    await asyncio.gather(one.until_running(), two.until_running())
    go.touch()
    for each in (one, two):
        assert await each.outcome() == ("True", "Registered")
        await each.until_closed()
    assert sorted(await one.versions(model)) == ["1", "2"]
    assert await one.aliased(model) == "2"
    statuses = [await each.status() for each in (one, two)]
    assert sorted(str(status.model_version) for status in statuses) == ["1", "2"]
    for status in statuses:
        last = find(status.conditions, "Succeeded")
        assert last is not None
        assert last.reason == "Registered"
    assert len({status.run_id for status in statuses}) == 2


async def _starts_a_child(training: Training, model: str) -> None:
    """The next minute starts one, which ends like any other."""
    parent = training("parent")
    await parent.create(model, schedule={"cron": "* * * * *"})

    async def children() -> list[str]:
        found = await parent.list("TrainingJob")
        return [one["metadata"]["name"] for one in found if one["metadata"].get("ownerReferences")]

    [name, *_] = await eventually(children, bool, "a run starts")
    await parent.change({"suspend": "Suspended"})
    assert await training(name).outcome() == ("True", "Registered")
    await parent.until(
        lambda status: status.schedule and status.schedule.last_successful_time, "knows of the successful run"
    )
