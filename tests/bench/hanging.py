"""What a registry that accepts and never answers costs everybody else.

    python -m tests.bench.hanging

One innocent ModelDeployment is in the middle of a rollout and is looked at at each tick; beside it there are more and
more objects of another namespace whose MLflow hangs. The controller, the reconcilers and the adapters are the real
ones, over real sockets; only the API server is in memory. A delay is the time from a tick to the end of its pass.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from aiohttp import web
from rollmodel.adapters.compute import ComputeThreads
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.observed import Defaults
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.training import decide as training
from rollmodel.plan.training.read_set import read_set
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.deployment.gather import Gatherer
from rollmodel.reconcile.deployment.kind import model_deployments
from rollmodel.reconcile.deployment.pinning.models import Models
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.reconcile.result import Reconciler, Result
from rollmodel.reconcile.training.finalize import RunCloser
from rollmodel.reconcile.training.gather import TrainingGatherer
from rollmodel.reconcile.training.kind import training_jobs
from rollmodel.runtime.clock import SystemClock
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.tasks.controller import Controller, Limits
from rollmodel.runtime.tasks.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog

from tests.support.contracts.kube import model_deployment
from tests.support.inmemory.kube import InMemoryKube
from tests.support.servers.silent import hanging
from tests.support.servers.web import serve
from tests.support.simulation.trainings.specs import DEFAULTS as TRAINING_DEFAULTS
from tests.support.simulation.trainings.specs import manifest as training_job

__all__ = ["Hostile", "Rig", "Watched", "delays", "in_rollout", "main", "passes", "rigged", "target"]

Hostile = Literal["pinned", "alias", "training"]

_DIGEST = f"sha256:{'a' * 64}"
_ANALYSIS = {"intervalSeconds": 2, "metrics": [{"name": "errors", "preset": "Errors"}]}
_TARGET = {"pinned": {"version": "1"}, "alias": {"alias": "challenger"}}


@dataclass
class Watched:
    """A reconciler that says when its passes end."""

    inner: Reconciler
    ended: asyncio.Condition = field(default_factory=asyncio.Condition)
    begun: int = 0
    last: int = 0
    """Number of the pass that ended last."""

    async def reconcile(self, body: Manifest) -> Result:
        self.begun += 1
        number = self.begun
        try:
            return await self.inner.reconcile(body)
        finally:
            async with self.ended:
                self.last = number
                self.ended.notify_all()

    async def one_more(self) -> None:
        """Until a pass has ended that begins from now on."""
        number = self.begun + 1
        async with self.ended:
            await self.ended.wait_for(lambda: self.last >= number)

    def forget(self, uid: str) -> None:
        self.inner.forget(uid)


@dataclass
class Rig:
    """An operator over an API server in memory; ``registry_url`` and ``prometheus_url`` are healthy."""

    registry_url: str
    prometheus_url: str
    patience: float
    kube: InMemoryKube = field(default_factory=InMemoryKube)
    triggers: Triggers = field(default_factory=Triggers)
    loops: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.registry = Mlflow(timeout=self.patience, poll_seconds=1.0)
        self.tracking = MlflowTracking(timeout=self.patience)
        self.metrics = Prometheus(self.prometheus_url)
        self.compute = ComputeThreads()
        limits = Limits(concurrency=16, startup_spread=0.0)  # fewer than there are hostile objects
        self.controller = Controller(self.kube, self.triggers, limits, Instruments(), Watchdog())
        self.connections = Connections(self.kube, default=Connection(self.registry_url), read_secrets=True)
        self.references = References(self.triggers.wake)
        self.executor = Executor(self.kube, self.registry, self.tracking)

    def close(self) -> None:
        for part in (self.registry, self.tracking, self.metrics, self.compute):
            part.close()

    def deployments(self) -> Reconciler:
        gatherer = Gatherer(
            kube=self.kube,
            metrics=self.metrics,
            models=Models(self.registry, self.connections, self.references, self.triggers.wake),
            clock=SystemClock(),
            queries=queries,
            defaults=Defaults("rollmodel:1", "rollmodel-server:1", self.registry_url),
        )
        return self._reconciler(model_deployments(gatherer, decide=decide, model_retry=30.0))

    def trainings(self) -> Reconciler:
        gatherer = TrainingGatherer(
            kube=self.kube,
            tracking=self.tracking,
            connections=self.connections,
            clock=SystemClock(),
            read_set=read_set,
            defaults=TRAINING_DEFAULTS,
        )
        closer = RunCloser(self.tracking, self.connections)
        return self._reconciler(training_jobs(gatherer, closer, decide=training.decide))

    def drive(self, reconciler: Reconciler, manifest: dict[str, Any]) -> str:
        """Create the object and drive it; its UID."""
        ref = Ref.of(self.kube.create(manifest))
        loop = self.controller.drive(reconciler, lambda: self.kube.objects[ref])
        self.loops.append(asyncio.create_task(loop))
        uid: str = self.kube.objects[ref]["metadata"]["uid"]
        return uid

    def make_ready(self) -> None:
        """What the Deployment controller does."""
        for deployment in self.kube.of_kind("Deployment"):
            replicas = deployment["spec"].get("replicas", 1)
            counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), replicas)
            status = {"observedGeneration": deployment["metadata"]["generation"], **counts}
            if deployment.get("status") != status:
                self.kube.edit(Ref.of(deployment), lambda obj, status=status: obj.update(status=status))  # type: ignore[misc]

    def _reconciler(self, kind: Any) -> Reconciler:
        parts = Parts(self.executor, self.connections, self.references, SystemClock(), compute=self.compute)
        return reconciler_of(kind, parts)


async def _no_series(_: web.Request) -> web.Response:
    return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": []}})


@asynccontextmanager
async def rigged(patience: float, prometheus: str | None = None) -> AsyncIterator[tuple[Rig, dict[str, str]]]:
    """A rig whose healthy registry moves the alias as the dict says; its Prometheus is empty, or the one given."""
    alias = {"version": "1"}

    async def mlflow(request: web.Request) -> web.Response:
        if request.method == "POST" or not request.query.get("name"):
            return web.json_response({})
        number = request.query.get("version") or alias["version"]
        tags = [{"key": "rollmodel.dev/artifact-digest", "value": _DIGEST[:-1] + number}]
        found = {"name": "churn", "version": number, "source": f"models:/m-{number}", "status": "READY", "tags": tags}
        return web.json_response({"model_version": found})

    async with serve(mlflow) as registry, serve(_no_series) as empty:
        rig = Rig(registry.url, prometheus or empty.url, patience)
        try:
            yield rig, alias
        finally:
            for task in rig.loops:
                task.cancel()
            await asyncio.gather(*rig.loops, return_exceptions=True)
            rig.close()


async def delays(
    hostile: Hostile | None, number: int, *, ticks: int, interval: float, patience: float = 10.0
) -> list[float]:
    """Seconds from each tick to the end of its pass, with ``number`` objects whose registry hangs; sorted.

    ``patience`` is the operator's time-out for a request to MLflow, in seconds.
    """
    async with rigged(patience) as (rig, alias), hanging() as silence:
        innocent = Watched(rig.deployments())
        uid = await in_rollout(rig, innocent, alias)
        rig.kube.secrets["hostile", "mlflow"] = {"url": silence.url}
        reconciler = rig.trainings() if hostile == "training" else rig.deployments()
        for index in range(number if hostile else 0):
            rig.drive(reconciler, target(hostile or "alias", f"hanging-{index}"))
        found = await passes(rig, innocent, uid, ticks=ticks, interval=interval)
        if hostile and not silence.requests:
            raise AssertionError("nobody asked the registry that hangs")
        return found


async def passes(rig: Rig, innocent: Watched, uid: str, *, ticks: int, interval: float) -> list[float]:
    """Seconds from each of so many ticks to the end of its pass, sorted."""
    found = []
    for _ in range(ticks):
        await asyncio.sleep(interval)
        began = time.monotonic()
        waiting = asyncio.create_task(innocent.one_more())
        await asyncio.sleep(0)
        rig.triggers.wake(uid)
        await waiting
        found.append(time.monotonic() - began)
    return sorted(found)


async def in_rollout(rig: Rig, innocent: Watched, alias: dict[str, str]) -> str:
    """Version 1 serves, version 2 has its first weight."""
    manifest = model_deployment("innocent")
    manifest["spec"] |= {"analysis": _ANALYSIS, "rollout": {"steps": [{"weight": 50}]}, "scale": {"replicas": 2}}
    uid = rig.drive(innocent, manifest)
    [ref] = [ref for ref in rig.kube.objects if ref.kind == "ModelDeployment" and ref.namespace == "innocent"]
    for version, arm in (("1", "stable"), ("2", "candidate")):
        alias["version"] = version
        async with asyncio.timeout(60):
            while not rig.kube.objects[ref].get("status", {}).get(arm, {}).get("readyReplicas"):
                rig.make_ready()
                rig.triggers.wake(uid)
                await asyncio.sleep(0.05)
    return uid


def target(hostile: Hostile, name: str, connection: str = "mlflow") -> dict[str, Any]:
    """An object of the namespace ``hostile`` whose registry is the one that the Secret names."""
    reference = {"name": connection}
    if hostile == "training":
        manifest = training_job(name, tracking={"connectionRef": reference})
        manifest["metadata"]["namespace"] = "hostile"
        return manifest
    manifest = model_deployment("hostile", name)
    manifest["spec"]["model"] = {"registry": {"name": name, **_TARGET[hostile]}, "connectionRef": reference}
    return manifest


def _row(name: str, found: list[float]) -> str:
    return f"| {name:<44} | {1000 * median(found):7.0f} | {1000 * found[-1]:7.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=30)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds between ticks")
    parser.add_argument("--objects", type=int, default=48)
    arguments = parser.parse_args()
    print("| beside the innocent                          | median, ms | worst, ms |")
    cases: list[tuple[str, Hostile | None]] = [
        ("nobody", None),
        ("ModelDeployments, pinned version", "pinned"),
        ("ModelDeployments, alias", "alias"),
        ("TrainingJobs", "training"),
    ]
    for name, hostile in cases:
        found = asyncio.run(delays(hostile, arguments.objects, ticks=arguments.ticks, interval=arguments.interval))
        print(_row(f"{arguments.objects} {name}" if hostile else name, found), flush=True)


if __name__ == "__main__":
    main()
