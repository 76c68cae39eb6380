"""Where a run runs, who lets it in, and what nobody may learn from it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.apiserver import MERGE_PATCH, ApiServer
from rollmodel.adapters.kubernetes.kinds import WORKLOADS
from rollmodel.api.trainingjob import QueueStatus

from localcluster import Cluster
from tests.cluster.training.conftest import ACCOUNT, Allow, Training
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.secrets import found
from tests.support.live.training import training_spec

pytestmark = pytest.mark.cluster


async def test_several_nodes(training: Training) -> None:
    """Each knows its rank, and where to meet."""
    churn = training("churn")
    names = "RANK WORLD_SIZE MASTER_ADDR JAX_PROCESS_ID PET_NNODES"
    await churn.create(told={"tell": names}, nodes=2)
    assert await churn.outcome() == ("True", "Completed")
    tags = (await churn.run())["tags"]
    for rank in ("0", "1"):
        said = [tags[f"told/{name}/{rank}"] for name in names.split()]
        assert said == [rank, "2", "churn-1-0.churn-1", rank, "2"]


class TestKueue:
    """With a CRD of our own that has the fields of Kueue's Workload which we read."""

    async def test_the_queue_is_mirrored(
        self, training: Training, api: ApiServer, cluster: Cluster, operator: OperatorProcess, tmp_path: Path
    ) -> None:
        churn, go = training("churn"), tmp_path / "go"
        await churn.create(told={"hold": str(go)}, queueName="gpus")
        await churn.until(_queued("KueueNotFound"), "misses Kueue")
        await asyncio.to_thread(_install_workloads, cluster)
        await churn.until(_queued("NoWorkload"), "misses its Workload")
        job = await churn.job()
        assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
        path = WORKLOADS.path(churn.namespace)
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "churn-1", "uid": job["metadata"]["uid"]}
        for name, owners, priority in (("other", [], 5), ("mine", [owner], 0)):
            meta = {"name": name, "ownerReferences": owners}
            spec = {"queueName": "gpus", "priority": priority, "active": True}
            body = {"apiVersion": WORKLOADS.api_version, "kind": "Workload", "metadata": meta, "spec": spec}
            await api.request("POST", path, body=body)
        waits = {"type": "QuotaReserved", "status": "False", "reason": "Pending", "message": "no GPU is free"}
        await api.request(
            "PATCH", f"{path}/mine/status", body={"status": {"conditions": [waits]}}, content_type=MERGE_PATCH
        )
        status = await churn.until(_queued("Pending"), "waits in the queue")
        assert status.queue == QueueStatus(position=1, reason="Pending", message="no GPU is free")
        assert await churn.pods() == []
        await asyncio.to_thread(
            cluster.kubectl, "patch", "job", "churn-1", "-n", churn.namespace, "-p", '{"spec": {"suspend": false}}'
        )
        status = await churn.until_running()
        assert status.queue is None
        go.touch()
        assert await churn.outcome() == ("True", "Completed")


def _queued(reason: str) -> Any:
    return lambda status: status.queue is not None and status.queue.reason == reason


def _install_workloads(cluster: Cluster) -> None:
    """The kind, as far as we read it."""
    schema = {
        "type": "object",
        "properties": {
            part: {"type": "object", "x-kubernetes-preserve-unknown-fields": True} for part in ("spec", "status")
        },
    }
    version = {"name": "v1beta2", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Workload", "plural": "workloads", "singular": "workload"}
    manifest = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "workloads.kueue.x-k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, of tests only"},
        },
        "spec": {
            "group": "kueue.x-k8s.io",
            "scope": "Namespaced",
            "names": names,
            "versions": [{**version, "subresources": {"status": {}}}],
        },
    }
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=240s", "crd/workloads.kueue.x-k8s.io")


async def test_secrets_stay_secret(
    training: Training, cluster: Cluster, operator: OperatorProcess, allow: Allow, model: str
) -> None:
    """One in the environment and one of a connection: no status, Event, object, run, version or log shows them."""
    churn, user, password, canary = training("churn"), "team", "canary-93aa17-mlflow", "canary-c2e4f0-env"
    await allow()
    keys = {"url": cluster.mlflow_url, "username": user, "password": password}
    await churn.make("Secret", {"metadata": {"name": "mlflow"}, "stringData": keys})
    await churn.make("Secret", {"metadata": {"name": "canary"}, "stringData": {"token": canary}})
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "canary", "key": "token"}}}
    failing, good = training("failing"), churn
    for one, told in ((good, {"note": "$(TOKEN)"}), (failing, {"exit": "3"})):
        await one.create(
            model,
            told=told,
            tracking={"connectionRef": {"name": "mlflow"}},
            template={**_template(), "env": [variable]},
        )
    assert await good.outcome() == ("True", "Registered")
    assert await failing.outcome() == ("False", "TooManyFailures")
    for one in (good, failing):
        assert found(await one.readable() + operator.log(), [(user, password), ("", canary)]) == []
    assert (await good.run())["params"]["note"] == "$(TOKEN)"
    [pod] = await good.pods()
    login = [one for one in pod["spec"]["containers"][0]["env"] if one["name"] == "MLFLOW_TRACKING_PASSWORD"]
    assert [one["valueFrom"]["secretKeyRef"]["name"] for one in login] == ["mlflow"]


async def test_a_connection_that_is_not_there(training: Training) -> None:
    """It is said what to do, and done once it is there."""
    churn = training("churn")
    await churn.create(tracking={"connectionRef": {"name": "mlflow"}})
    message = await churn.until_condition("Stalled", "True")
    assert "mlflow" in message
    assert await churn.list("Job") == []


def _template() -> dict[str, Any]:
    template: dict[str, Any] = training_spec()["template"]
    return template


async def test_at_rest_it_asks_nothing(training: Training, cluster: Cluster) -> None:
    """Of the API server, about an object that is closed, as the audit log has it; nor does it write to it."""
    churn, other = training("churn"), training("other")
    await churn.create()
    await churn.until_closed()
    body, asked = await churn.get("TrainingJob", "churn"), _asked_about(cluster, churn.namespace, "churn")
    assert asked > 0
    await other.create(told={"exit": "3"}, retry={"maxFailures": 0})  # a whole run, in which nothing happens to churn
    await other.until_closed()
    assert await churn.get("TrainingJob", "churn") == body
    assert _asked_about(cluster, churn.namespace, "churn") == asked
    assert _asked_about(cluster, churn.namespace, "other") > 0


def _asked_about(cluster: Cluster, namespace: str, name: str) -> int:
    """How often the operator asked anything about an object and what belongs to it."""
    lines = cluster.audit_log.read_text().splitlines()
    events = [json.loads(line) for line in lines if f"/namespaces/{namespace}/" in line]
    mine = [event["requestURI"] for event in events if event["user"].get("username") == ACCOUNT]
    return sum(f"/namespaces/{namespace}/" in uri and name in uri for uri in mine)
