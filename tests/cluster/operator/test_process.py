"""The operator as a process, with the rights that we ship: what it writes, what it asks, and how it ends."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.apiserver import MERGE_PATCH, ApiServer
from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.errors import NotFound

from localcluster import Cluster
from tests.support.contracts.kube import model_deployment
from tests.support.eventually import eventually
from tests.support.live.operator_process import OperatorProcess

pytestmark = pytest.mark.cluster

CONFIG = Path(__file__).parents[3] / "config"
ACCOUNT = "system:serviceaccount:rollmodel-system:rollmodel"
OURS = "rollmodel.dev/v1alpha1"
PLAIN = {"model": {"uri": "s3://bucket/churn", "digest": f"sha256:{'0' * 64}"}}


@pytest.fixture(scope="module")
def process(cluster: Cluster, crds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    for name in ("namespace", "rbac"):
        cluster.kubectl("apply", "--server-side", "-f", str(CONFIG / f"{name}.yaml"))
    kubeconfig = cluster.kubeconfig_for(ACCOUNT, ["system:serviceaccounts", "system:authenticated"])
    log = tmp_path_factory.mktemp("operator") / "log"
    settings = {"REGISTRY_URL": "http://127.0.0.1:1", "LOG_FORMAT": "text", "RESYNC_SECONDS": "86400"}
    process = OperatorProcess(cluster, kubeconfig, log, settings)
    yield process
    process.stop()


@pytest.fixture
async def operator(process: OperatorProcess) -> AsyncIterator[OperatorProcess]:
    process.ensure()
    await process.ready()
    yield process
    assert "Forbidden" not in process.log()
    assert "Traceback" not in process.log()


class Objects:
    """Objects of one namespace."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self.namespace = namespace

    async def create(self, kind: str = "ModelDeployment", spec: dict[str, Any] | None = None) -> dict[str, Any]:
        manifest = {**model_deployment(self.namespace), "kind": kind, "spec": PLAIN if spec is None else spec}
        return await self._api.request("POST", resource_of(OURS, kind).path(self.namespace), body=manifest)

    async def get(self, kind: str = "ModelDeployment") -> dict[str, Any]:
        return await self._api.request("GET", resource_of(OURS, kind).path(self.namespace, "churn"))

    async def delete(self) -> None:
        await self._api.request("DELETE", resource_of(OURS, "ModelDeployment").path(self.namespace, "churn"))

    async def annotate(self, **annotations: str) -> None:
        path = resource_of(OURS, "ModelDeployment").path(self.namespace, "churn")
        body = {"metadata": {"annotations": annotations}}
        await self._api.request("PATCH", path, body=body, content_type=MERGE_PATCH)

    async def hold(self, *finalizers: str) -> None:
        path = resource_of(OURS, "ModelDeployment").path(self.namespace, "churn")
        body = {"metadata": {"finalizers": list(finalizers)}}
        await self._api.request("PATCH", path, body=body, content_type=MERGE_PATCH)

    async def children(self, kind: str = "Deployment", api_version: str = "apps/v1") -> list[dict[str, Any]]:
        answer = await self._api.request("GET", resource_of(api_version, kind).path(self.namespace))
        return [item for item in answer["items"] if item["metadata"].get("ownerReferences")]

    async def until(
        self, condition: Callable[[dict[str, Any]], object], kind: str = "ModelDeployment"
    ) -> dict[str, Any]:
        """Wait until the object is as wanted, and give it."""
        return await eventually(lambda: self.get(kind), condition, "the object is as wanted")

    async def gone(self) -> None:
        """Wait until the object no longer exists."""
        await eventually(self._there, lambda there: not there, "the object is gone")

    async def _there(self) -> bool:
        try:
            await self.get()
        except NotFound:
            return False
        return True


@pytest.fixture
async def objects(api: ApiServer, namespace: str) -> Objects:
    return Objects(api, namespace)


def reason(body: dict[str, Any], condition: str) -> str | None:
    conditions = body.get("status", {}).get("conditions", [])
    return next((one["reason"] for one in conditions if one["type"] == condition), None)


async def asked(cluster: Cluster, objects: Objects, seconds: float = 3.0) -> list[tuple[str, str]]:
    """What the operator asks of the API server about this namespace for some seconds, as the audit log has it."""
    before = len(cluster.audit_log.read_text().splitlines())
    await asyncio.sleep(seconds)
    events = [json.loads(line) for line in cluster.audit_log.read_text().splitlines()[before:]]
    about = [(event["verb"], event["user"].get("username"), event.get("objectRef", {})) for event in events]
    return [
        (verb, ref.get("resource", ""))
        for verb, user, ref in about
        if user == ACCOUNT and verb != "watch" and ref.get("namespace") == objects.namespace
    ]


async def test_an_object_gets_its_children_and_nothing_else(operator: OperatorProcess, objects: Objects) -> None:
    created = await objects.create()
    body = await objects.until(lambda body: reason(body, "Reconciling") == "Installing")
    assert len(await eventually(objects.children, bool, "the Deployment, which is applied after the status")) == 1
    assert "finalizers" not in body["metadata"]
    assert "annotations" not in body["metadata"]
    assert body["spec"] == created["spec"]


async def test_at_rest_it_asks_nothing_and_writes_nothing(
    cluster: Cluster, operator: OperatorProcess, objects: Objects
) -> None:
    spec = {**PLAIN, "scale": {"replicas": 0}}
    await objects.create(spec=spec)
    await objects.until(lambda body: reason(body, "Ready") is not None)
    await asked(cluster, objects, 2.0)  # the last writes settle
    assert await asked(cluster, objects) == []


async def test_a_restart_writes_nothing(cluster: Cluster, operator: OperatorProcess, objects: Objects) -> None:
    await objects.create(spec={**PLAIN, "scale": {"replicas": 0}})
    await objects.until(lambda body: reason(body, "Ready") is not None)
    await asked(cluster, objects, 2.0)
    before = await objects.get()
    operator.stop()
    operator.ensure()
    await operator.ready()
    assert await asked(cluster, objects, 5.0) == []
    assert await objects.get() == before


async def test_it_is_deleted_though_the_registry_is_gone(operator: OperatorProcess, objects: Objects) -> None:
    await objects.create(spec={"model": {"registry": {"name": "churn", "alias": "challenger"}}})
    await objects.until(lambda body: reason(body, "ModelResolved") is not None)
    await objects.delete()
    await objects.gone()


async def test_it_is_deleted_with_all_children_though_nobody_runs(operator: OperatorProcess, objects: Objects) -> None:
    await objects.create()
    await eventually(objects.children, bool, "the Deployment")
    operator.kill()
    await objects.delete()
    await objects.gone()
    await eventually(objects.children, lambda children: not children, "the garbage collector has been there")
    operator.ensure()
    await operator.ready()


async def test_the_finalizer_of_an_earlier_release_is_taken_off(operator: OperatorProcess, objects: Objects) -> None:
    """Of an object that lives, and of one that was deleted while nobody ran."""
    await objects.create(spec={**PLAIN, "scale": {"replicas": 0}})
    await objects.until(lambda body: reason(body, "Ready") is not None)
    for deleted in (False, True):
        operator.stop()
        await objects.hold("rollmodel.dev/finalizer")
        if deleted:
            await objects.delete()
            assert (await objects.get())["metadata"]["deletionTimestamp"]
        operator.ensure()
        await operator.ready()
        if not deleted:
            await objects.until(lambda body: "finalizers" not in body["metadata"])
    await objects.gone()


async def test_a_new_object_of_the_same_name_comes_up_at_once(operator: OperatorProcess, objects: Objects) -> None:
    """Its children have the names of those that the garbage collector is about to delete."""
    await objects.create()
    old = await eventually(objects.children, bool, "the Deployment")
    await objects.delete()
    new = await objects.create()

    def owned(children: list[dict[str, Any]]) -> bool:
        return [one["metadata"]["ownerReferences"][0]["uid"] for one in children] == [new["metadata"]["uid"]]

    [child] = await eventually(objects.children, owned, "the Deployment of the new one")
    assert child["metadata"]["name"] == old[0]["metadata"]["name"]
    assert reason(await objects.get(), "Stalled") == "NothingWrong"


async def test_what_a_drift_policy_cannot_do_yet_is_said(operator: OperatorProcess, objects: Objects) -> None:
    await objects.create("DriftPolicy", {"modelDeploymentRef": {"name": "churn"}, "track": "Candidate"})
    body = await objects.until(lambda body: reason(body, "Stalled"), "DriftPolicy")
    assert reason(body, "Stalled") == reason(body, "Ready") == "NotImplemented"


async def test_a_command_wakes_it_and_other_annotations_do_not(
    cluster: Cluster, operator: OperatorProcess, objects: Objects
) -> None:
    await objects.create(spec={**PLAIN, "scale": {"replicas": 0}})
    await objects.until(lambda body: reason(body, "Ready") is not None)
    await asked(cluster, objects, 2.0)
    await objects.annotate(**{"example.com/colour": "blue"})
    assert await asked(cluster, objects) == []
    await objects.annotate(**{"rollmodel.dev/command": "pause nothing 1"})
    body = await objects.until(lambda body: body["status"].get("lastCommand"))
    assert body["status"]["lastCommand"]["text"] == "pause nothing 1"


def test_nonsense_settings_end_it_with_a_message(cluster: Cluster) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "rollmodel", "run"],
        env={"PATH": "", "PYTHONPATH": str(CONFIG.parent / "operator"), "ROLLMODEL_REGISTRY_URL": "mlflow"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "registry_url" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_signal_ends_it_with_zero(operator: OperatorProcess) -> None:
    operator.stop()
    assert operator._process is not None
    assert operator._process.returncode == 0
