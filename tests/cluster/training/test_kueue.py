"""The real Kueue decides when runs start: one is queued, admitted, preempted, and goes on from its checkpoint.

It runs where its controller has been built: ``make test-kueue`` builds it, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcluster import Cluster
from tests.cluster.training.conftest import Training
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.others.claims import claim
from tests.support.live.others.kueue import KueueProcess, queues
from tests.support.live.training import LiveTraining, training_spec

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

PATIENCE = 15

#: Counts steps from the checkpoint on, until it is told to end; notes where it began.
PROGRAM = """
import json, os, pathlib, time
hold = pathlib.Path(json.loads(os.environ["ROLLMODEL_PARAMETERS"])["hold"])
folder = pathlib.Path(os.environ["ROLLMODEL_CHECKPOINT_DIR"])
assert os.environ["ROLLMODEL_RESUME"] == "Latest"
steps, partial = folder / "steps", folder / "partial"
done = int(steps.read_text()) if steps.exists() else 0
with (folder / "began").open("a") as log:
    log.write(f"{done}\\n")
while not hold.exists():
    done += 1
    partial.write_text(str(done))
    partial.replace(steps)
    time.sleep(0.05)
"""


@pytest.fixture
async def kueue(kinds: Cluster, tmp_path: Path) -> AsyncIterator[KueueProcess]:
    """Kueue, ready; it is gone after the test."""
    binary = KueueProcess.binary()
    if binary is None:
        pytest.skip("Kueue has not been built: make test-kueue")
    process = KueueProcess(kinds, binary, tmp_path)
    try:
        await process.start()
        yield process
    finally:
        process.stop()


def _template(priority: str, **more: Any) -> dict[str, Any]:
    """Half a core, which is all that the queue has."""
    labels = {"kueue.x-k8s.io/priority-class": priority}
    return {**training_spec()["template"], "labels": labels, "resources": {"requests": {"cpu": "500m"}}, **more}


async def _queued(run: LiveTraining, reason: str) -> str:
    """Wait until it waits for Kueue for this reason; what Kueue says."""
    status = await run.until(lambda now: now.queue and now.queue.reason == reason, f"waits: {reason}")
    assert status.queue is not None
    return status.queue.message or ""


async def test_a_run_is_queued_admitted_preempted_and_goes_on(
    kueue: KueueProcess, cluster: Cluster, training: Training, namespace: str, tmp_path: Path
) -> None:
    assert kueue.log()
    disk = cluster.directory / "volumes" / namespace
    disk.mkdir(parents=True)
    await asyncio.to_thread(claim, cluster, namespace, disk)
    manifests = yaml.safe_dump_all(queues(namespace, "gpus", cpu="500m"))
    await asyncio.to_thread(cluster.kubectl, "apply", "-f", "-", stdin=manifests)
    first, urgent, last = (training(name) for name in ("first", "urgent", "last"))
    end, go, steps = tmp_path / "end", tmp_path / "go", disk / "steps"

    await first.create(
        told={"hold": str(end)},
        template=_template("batch", command=["python", "-I", "-c", PROGRAM]),
        queueName="gpus",
        checkpoint={"claimName": "data"},
    )
    await first.until_running()
    await first.until(lambda _: steps.exists() and int(steps.read_text()) >= 3, "has a checkpoint")

    await last.create(template=_template("batch"), queueName="gpus")
    assert "insufficient" in (await _queued(last, "Pending")).lower()

    await urgent.create(told={"hold": str(go)}, template=_template("urgent"), queueName="gpus")
    await urgent.until_running()
    await _queued(first, "Preempted")
    assert (await first.job())["spec"]["suspend"] is True
    assert (await first.status()).run_status == "RUNNING", "to MLflow it is one run that goes on"

    go.touch()
    assert await urgent.outcome() == ("True", "Completed")
    await first.until_running()
    end.touch()
    assert await first.outcome() == ("True", "Completed")
    assert await last.outcome() == ("True", "Completed")
    began = [int(line) for line in (disk / "began").read_text().split()]
    assert len(began) == 2
    assert began[0] == 0
    assert began[1] >= 3, "it went on from its checkpoint"
    attempts = (await first.status()).attempts
    assert attempts is not None
    assert (attempts.started, attempts.failures) == (1, 0), "what Kueue takes back is no failure"
    await asyncio.to_thread(cluster.kubectl, "delete", "pv", f"{namespace}-data", "--wait=false")


async def test_a_queue_that_is_not_there_is_told_and_the_run_goes_on_once_it_is(
    kueue: KueueProcess, cluster: Cluster, training: Training, operator_process: OperatorProcess, namespace: str
) -> None:
    assert kueue.log()
    operator_process.ensure(PENDING_SECONDS=str(PATIENCE))
    await operator_process.ready()
    churn = training("churn")
    await churn.create(template=_template("batch"), queueName="gpus")
    assert "gpus" in await churn.until_condition("Stalled", "True", "Inadmissible")
    assert "Inadmissible" in await churn.events()
    manifests = yaml.safe_dump_all(queues(namespace, "gpus", cpu="500m"))
    await asyncio.to_thread(cluster.kubectl, "apply", "-f", "-", stdin=manifests)
    assert await churn.outcome() == ("True", "Completed")
