"""What an object costs from its creation to Ready, in requests: as the audit log of an API server would count them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.watches.news import is_news
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.decide import decide
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.deployment.gather import Gatherer
from rollmodel.reconcile.deployment.kind import model_deployments
from rollmodel.reconcile.deployment.pinning.models import Models
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.tasks.controller import Controller, Limits
from rollmodel.runtime.tasks.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog
from rollmodel.runtime.wiring import PROGRESS_SECONDS

from tests.reconcile.conftest import DEFAULTS
from tests.support import virtual_time
from tests.support.contracts.kube import model_deployment
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryMetrics, InMemoryRegistry

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class LoopClock:
    """The time of the virtual loop."""

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class World:
    """One object with its controller, a registry, and whoever brings Deployments up."""

    kube: InMemoryKube = field(default_factory=InMemoryKube)
    triggers: Triggers = field(default_factory=Triggers)
    instruments: Instruments = field(default_factory=Instruments)

    def __post_init__(self) -> None:
        registry = InMemoryRegistry()
        registry.publish("1", "challenger")
        connections = Connections(self.kube, default=Connection("http://mlflow"), read_secrets=True)
        references = References(self.triggers.wake)
        models = Models(registry, connections, references, self.triggers.wake)
        gatherer = Gatherer(
            kube=self.kube,
            metrics=InMemoryMetrics(),
            models=models,
            clock=LoopClock(),
            queries=queries,
            defaults=DEFAULTS,
        )
        kind = model_deployments(gatherer, decide=decide, model_retry=30.0)
        now = asyncio.get_running_loop().time
        executor = Executor(self.kube, registry, progress_seconds=PROGRESS_SECONDS, clock=now)
        self.reconciler = reconciler_of(kind, Parts(executor, connections, references, LoopClock()))
        self.controller = Controller(self.kube, self.triggers, Limits(), self.instruments, Watchdog())
        self.ref = Ref.of(self.kube.create(model_deployment("team", "churn")))
        self.uid: str = self.kube.objects[self.ref]["metadata"]["uid"]

    async def live(self, start: float) -> None:
        """A pod takes ``start`` seconds to be ready; what the Deployment reports wakes the owner where it is news."""
        driving = asyncio.create_task(self.controller.drive(self.reconciler, lambda: self.kube.objects[self.ref]))
        while not self.kube.of_kind("Deployment"):  # noqa: ASYNC110 - in virtual time
            await asyncio.sleep(0.05)
        [deployment] = self.kube.of_kind("Deployment")
        for pause, status in (
            (0.1, {"replicas": 0, "unavailableReplicas": 1}),
            (0.1, {"replicas": 1, "unavailableReplicas": 1}),
            (start, {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}),
        ):
            await asyncio.sleep(pause)
            self._report(Ref.of(deployment), status)
        await asyncio.sleep(300)
        driving.cancel()

    def _report(self, ref: Ref, status: Mapping[str, Any]) -> None:
        moved = LoopClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")
        progressing = {"type": "Progressing", "status": "True", "lastUpdateTime": moved}
        told = {"observedGeneration": 1, "updatedReplicas": 1, "conditions": [progressing], **status}
        before = deepcopy(self.kube.objects[ref])
        self.kube.edit(ref, lambda obj: obj.update(status=told))
        if is_news(before, self.kube.objects[ref]):
            self.triggers.wake(self.uid)

    def passes(self) -> float:
        """How many there were."""
        labels = {"kind": "ModelDeployment", "result": "success"}
        return self.instruments.registry.get_sample_value("rollmodel_reconcile_total", labels) or 0.0

    def requests(self) -> Counter[str]:
        """By verb and kind."""
        named = [f"{verb} {ref.kind}" for verb, ref in (*self.kube.writes, *self.kube.reads)]
        return Counter([*named, *("create Event" for _ in self.kube.events)])


def lived(start: float) -> World:
    """A world whose object is Ready."""

    async def story() -> World:
        world = World()
        await world.live(start)
        ready = {one["type"]: one["status"] for one in world.kube.objects[world.ref]["status"]["conditions"]}
        assert ready["Ready"] == "True"
        return world

    return virtual_time.run(story())


def cost(start: float) -> tuple[Counter[str], list[str]]:
    """Requests of one object, and the reasons of its Events."""
    world = lived(start)
    return world.requests(), [event.reason for event in world.kube.events]


@pytest.mark.parametrize("start", [0.5, 2.0, 9.0])
def test_from_apply_to_ready_it_costs_seven_requests(start: float) -> None:
    """Three children, two statuses and two Events."""
    requests, events = cost(start)
    assert requests == {
        "apply ControllerRevision": 1,
        "apply Deployment": 1,
        "apply Service": 1,
        "patch_status ModelDeployment": 2,
        "create Event": 2,
    }
    assert events == ["InstallStarted", "Installed"]


@pytest.mark.parametrize(("start", "passes"), [(0.5, 3), (2.0, 4)])
def test_what_comes_of_a_write_is_seen_with_it(start: float, passes: int) -> None:
    """One pass creates, one sees the pod ready, one after it finds nothing to do; and one for who waits longer."""
    assert lived(start).passes() == passes


def test_pods_that_take_long_are_asked_why_ever_more_seldom() -> None:
    requests, _ = cost(25.0)
    assert 2 <= requests["list Pod"] <= 4
    assert requests["patch_status ModelDeployment"] == 2
    requests, _ = cost(290.0)
    assert 12 <= requests["list Pod"] <= 20
    assert requests["patch_status ModelDeployment"] == 3
