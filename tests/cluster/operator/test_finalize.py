"""What is called when an object is deleted, by the real Kopf on a real API server, and what that costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kopf
import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.errors import NotFound, Unavailable
from rollmodel.plan.manifest import Manifest
from rollmodel.reconcile.result import Result
from rollmodel.runtime.handlers import kopf_settings, register
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.tasks.controller import Controller, Limits
from rollmodel.runtime.tasks.finalizers import FINALIZER
from rollmodel.runtime.tasks.runner import Runner
from rollmodel.runtime.tasks.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog

from localcluster import Cluster
from tests.support.eventually import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.cluster

CONFIG = Path(__file__).parents[3] / "config"
ACCOUNT = "system:serviceaccount:rollmodel-system:rollmodel"
OURS = "rollmodel.dev/v1alpha1"

Operate = Callable[[], Any]


@dataclass
class Recorder:
    """Has nothing to do with a TrainingJob until it is deleted."""

    passes: list[str] = field(default_factory=list)
    settled: list[Manifest] = field(default_factory=list)
    down: bool = False

    async def reconcile(self, body: Manifest) -> Result:
        self.passes.append(body["metadata"]["uid"])
        return Result(body)

    def owes(self, body: Manifest) -> bool:
        return True

    async def finalize(self, body: Manifest) -> None:
        self.settled.append(body)
        if self.down:
            raise Unavailable("MLflow did not answer")

    def forget(self, uid: str) -> None: ...


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def operate(cluster: Cluster, crds: Path, namespace: str, recorder: Recorder) -> Operate:
    """Kopf with our handlers for TrainingJobs, as the operator's service account, while the context lasts."""
    for name in ("namespace", "rbac"):
        cluster.kubectl("apply", "--server-side", "-f", str(CONFIG / f"{name}.yaml"))
    kubeconfig = cluster.kubeconfig_for(ACCOUNT, ["system:serviceaccounts", "system:authenticated"])

    @asynccontextmanager
    async def operating() -> AsyncIterator[None]:
        server = await ApiServer.connect(str(kubeconfig))
        triggers, stop, ready = Triggers(), asyncio.Event(), asyncio.Event()
        kube = Kubernetes(server, wake=triggers.wake)
        controller = Controller(kube, triggers, Limits(startup_spread=0.0), Instruments(), Watchdog())
        runner = Runner(controller, kube, started=datetime.now(UTC))
        registry = register(runner, {"trainingjobs": recorder}, lambda: (server.url, server.session(connections=8)))
        async with runner.running():
            running = asyncio.create_task(
                kopf.operator(
                    registry=registry,
                    settings=kopf_settings(),
                    namespaces=[namespace],
                    stop_flag=stop,
                    ready_flag=ready,
                )
            )
            async with asyncio.timeout(PATIENCE_SECONDS):
                await ready.wait()
            yield
            stop.set()
            await running
        await server.close()

    return operating


@dataclass
class Object:
    """The TrainingJob ``churn`` of the namespace."""

    api: ApiServer
    namespace: str

    @property
    def path(self) -> str:
        return resource_of(OURS, "TrainingJob").path(self.namespace, "churn")

    async def create(self) -> None:
        spec = {"template": {"image": "registry.example.com/churn:1"}}
        manifest = {"apiVersion": OURS, "kind": "TrainingJob", "metadata": {"name": "churn"}, "spec": spec}
        await self.api.request("POST", resource_of(OURS, "TrainingJob").path(self.namespace), body=manifest)

    async def get(self) -> dict[str, Any] | None:
        try:
            return await self.api.request("GET", self.path)
        except NotFound:
            return None

    async def delete(self) -> None:
        await self.api.request("DELETE", self.path)

    async def until(self, condition: Callable[[dict[str, Any] | None], object]) -> None:
        await eventually(self.get, condition, "the object is as wanted")


@pytest.fixture
def churn(api: ApiServer, namespace: str) -> Object:
    return Object(api, namespace)


def held(body: dict[str, Any] | None) -> bool:
    return body is not None and FINALIZER in body["metadata"].get("finalizers", ())


def gone(body: dict[str, Any] | None) -> bool:
    return body is None


def written(cluster: Cluster, namespace: str) -> list[tuple[str, str]]:
    """What the operator has written in this namespace so far, as the audit log has it."""
    lines = cluster.audit_log.read_text().splitlines()
    events = [json.loads(line) for line in lines if f'"{namespace}"' in line]
    return [
        (event["verb"], event["objectRef"]["resource"])
        for event in events
        if event["user"].get("username") == ACCOUNT
        and event["verb"] not in ("get", "list", "watch")
        and event.get("objectRef", {}).get("namespace") == namespace
    ]


@pytest.mark.parametrize("down", [False, True])
async def test_a_deleted_object_is_settled_once_and_let_go(  # noqa: PLR0917
    cluster: Cluster, operate: Operate, churn: Object, recorder: Recorder, namespace: str, down: bool
) -> None:
    """Two writes in a life: the finalizer comes, the finalizer goes. No annotation, no status, no Event."""
    recorder.down = down
    async with operate():
        await churn.create()
        await churn.until(lambda body: held(body) and recorder.passes)
        live = await churn.get()
        assert live is not None
        assert "annotations" not in live["metadata"]
        assert recorder.settled == []
        await churn.delete()
        await churn.until(gone)
    assert len(recorder.settled) == 1
    assert recorder.settled[0]["metadata"]["uid"] == live["metadata"]["uid"]
    assert recorder.settled[0]["metadata"]["deletionTimestamp"]
    assert written(cluster, namespace) == [("patch", "trainingjobs")] * 2


async def test_so_is_one_that_was_deleted_while_nobody_ran(
    cluster: Cluster, operate: Operate, churn: Object, recorder: Recorder, namespace: str
) -> None:
    async with operate():
        await churn.create()
        await churn.until(held)
    await churn.delete()
    assert held(await churn.get())
    assert recorder.settled == []
    async with operate():
        await churn.until(gone)
    assert len(recorder.settled) == 1
    assert written(cluster, namespace) == [("patch", "trainingjobs")] * 2


async def test_a_restart_writes_nothing_to_one_that_lives(
    cluster: Cluster, operate: Operate, churn: Object, recorder: Recorder, namespace: str
) -> None:
    async with operate():
        await churn.create()
        await churn.until(lambda body: held(body) and recorder.passes)
    before = await churn.get()
    async with operate():
        await churn.until(lambda body: len(recorder.passes) >= 2)
    assert await churn.get() == before
    assert written(cluster, namespace) == [("patch", "trainingjobs")]
    assert recorder.settled == []
    async with operate():
        await churn.delete()
        await churn.until(gone)
