"""What a run reads: fetched, verified, resolved once, and recorded."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import httpx
import pytest
from rollmodel.api.fields.digest import tree_digest

from localcluster import Cluster
from tests.cluster.training.conftest import Training
from tests.support.live.others.claims import claim

pytestmark = pytest.mark.cluster

CONTENT = "1,2\n3,4\n"
DIGEST = tree_digest({"train.csv": hashlib.sha256(CONTENT.encode()).hexdigest()})
WRONG = f"sha256:{'0' * 64}"


async def _store(cluster: Cluster, path: str, content: str = CONTENT) -> None:
    """Put the data into MLflow's artifact store."""
    url = f"{cluster.mlflow_url}/api/2.0/mlflow-artifacts/artifacts/{path}"
    async with httpx.AsyncClient(timeout=60) as client:
        assert (await client.put(url, content=content.encode())).status_code == 200


async def test_an_input_is_read_and_recorded(training: Training, cluster: Cluster, namespace: str) -> None:
    """Not pinned by anybody: the first report is what every attempt must read from then on."""
    churn = training("churn")
    await _store(cluster, f"{namespace}/train.csv")
    source = {"name": "data", "uri": f"mlflow-artifacts:/{namespace}"}
    await churn.create(told={"tell": "ROLLMODEL_INPUT_DATA_URI"}, inputs=[source])
    assert await churn.outcome() == ("True", "Completed")
    [read] = (await churn.status()).inputs
    run = await churn.run()
    assert (read.uri, read.digest) == (source["uri"], DIGEST)
    assert run["tags"]["told/ROLLMODEL_INPUT_DATA_URI/0"] == source["uri"]
    [logged] = run["inputs"]
    assert logged["dataset"]["digest"] == DIGEST.removeprefix("sha256:")[:36]


async def test_an_input_that_is_another_one(training: Training, cluster: Cluster, namespace: str) -> None:
    """The code is not started."""
    churn = training("churn")
    await _store(cluster, f"{namespace}/train.csv")
    source = {"name": "data", "uri": f"mlflow-artifacts:/{namespace}", "digest": WRONG}
    await churn.create(inputs=[source], retry={"maxFailures": 0})
    assert await churn.outcome() == ("False", "TooManyFailures")
    failure = (await churn.events())["AttemptFailed"]
    assert "InputFailed" in failure
    assert "DigestMismatch" in failure
    assert (await churn.run())["metrics"] == {}


async def test_an_input_that_changes_between_attempts(
    training: Training, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """What the first attempt read was recorded, so the second is refused what is there now."""
    churn, go = training("churn"), tmp_path / "go"
    await _store(cluster, f"{namespace}/train.csv")
    source = {"name": "data", "uri": f"mlflow-artifacts:/{namespace}"}
    await churn.create(told={"hold": str(go), "exit": "3"}, inputs=[source])
    await churn.until(lambda status: [one.digest for one in status.inputs] == [DIGEST], "has recorded its input")
    await _store(cluster, f"{namespace}/train.csv", "5,6\n")
    go.touch()
    assert await churn.outcome() == ("False", "TooManyFailures")
    attempts = (await churn.status()).attempts
    assert attempts is not None
    assert "DigestMismatch" in str(attempts.last_failure)


async def test_who_writes_to_a_claim_does_not_reach_the_training(
    training: Training, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    churn, disk, go = training("churn"), cluster.directory / "volumes" / namespace, tmp_path / "go"
    disk.mkdir(parents=True)
    (disk / "train.csv").write_text(CONTENT, encoding="utf-8")
    await asyncio.to_thread(claim, cluster, namespace, disk)
    source = {"name": "data", "uri": "pvc://data/train.csv", "digest": DIGEST}
    await churn.create(told={"hold": str(go), "tell": "ROLLMODEL_INPUT_DATA"}, inputs=[source])
    await churn.until(lambda status: [one.digest for one in status.inputs] == [DIGEST], "has recorded its input")
    (disk / "train.csv").write_text("poison", encoding="utf-8")
    go.touch()
    assert await churn.outcome() == ("True", "Completed")
    assert (await churn.run())["tags"]["told/ROLLMODEL_INPUT_DATA/0"] == CONTENT
    await asyncio.to_thread(cluster.kubectl, "delete", "pv", f"{namespace}-data", "--wait=false")


async def test_an_alias_is_resolved_once(training: Training, model: str) -> None:
    """It moves between two attempts, and both read the same version."""
    first, again, churn = training("first"), training("again"), training("churn")
    for maker in (first, again):
        await maker.create(model)
        assert await maker.outcome() == ("True", "Registered")
    point = {"name": model, "alias": "base"}
    await churn.registry.call("registered-models/alias", {**point, "version": "1"})
    source = {"name": "base", "uri": f"models:/{model}@base"}
    await churn.create(told={"exit": "3"}, inputs=[source], retry={"maxFailures": 1, "backoffSeconds": 2})
    await churn.until(lambda status: [one.version for one in status.inputs] == ["1"], "has resolved the alias")
    await churn.registry.call("registered-models/alias", {**point, "version": "2"})
    assert await churn.outcome() == ("False", "TooManyFailures")
    [read] = (await churn.status()).inputs
    assert (read.version, read.uri) == ("1", f"models:/{model}/1")
    jobs = await churn.list("Job", "rollmodel.dev/training-job=churn")
    arguments = [job["spec"]["template"]["spec"]["initContainers"][0]["args"] for job in jobs]
    assert len(arguments) == 2
    assert all(f"models:/{model}/1" in words for words in arguments)
