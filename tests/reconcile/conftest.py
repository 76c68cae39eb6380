"""A reconciler for ModelDeployments whose neighbours are all in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from rollmodel.plan import naming
from rollmodel.plan.access.admission import Admission
from rollmodel.plan.access.tenancy import Tenancy
from rollmodel.plan.decision import Decision, Ref
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.observed import Defaults, Observed
from rollmodel.ports.process import Compute
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.compute import Inline
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.deployment.addresses import Addresses
from rollmodel.reconcile.deployment.coordination import Coordinator
from rollmodel.reconcile.deployment.gather import Gatherer, Queries
from rollmodel.reconcile.deployment.kind import model_deployments
from rollmodel.reconcile.deployment.pinning.models import Models
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.reconcile.result import Reconciler, Result

from tests.support.contracts.kube import model_deployment
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import FixedClock, InMemoryMetrics, InMemoryRegistry
from tests.support.simulation.promises import route_weights

DEFAULTS = Defaults(operator_image="rollmodel:1", server_image="rollmodel-server:1", registry_url="http://mlflow")


@dataclass
class Bench:
    """The neighbours, and reconcilers over them: each call of :meth:`operator` is one more process."""

    kube: InMemoryKube = field(default_factory=InMemoryKube)
    registry: InMemoryRegistry = field(default_factory=InMemoryRegistry)
    metrics: InMemoryMetrics = field(default_factory=InMemoryMetrics)
    clock: FixedClock = field(default_factory=FixedClock)
    woken: list[str] = field(default_factory=list)
    gateway_says: str | None = None
    """The reason why the Gateway does not take routes; None where it does."""

    def operator(
        self,
        *,
        decide: Callable[[Observed], Decision] = decide,
        queries: Queries = queries,
        references: References | None = None,
        least_interval: int = 1,
        tenancy: Tenancy | None = None,
        admission: Admission | None = None,
        compute: Compute | None = None,
        coordinator: Coordinator | None = None,
    ) -> Reconciler:
        connections = Connections(self.kube, default=Connection("http://mlflow"), read_secrets=True)
        references = References(self.woken.append) if references is None else references
        models = Models(self.registry, connections, references, self.woken.append, tenancy)
        gatherer = Gatherer(
            kube=self.kube,
            metrics=self.metrics,
            models=models,
            clock=self.clock,
            queries=queries,
            defaults=DEFAULTS,
            least_interval=least_interval,
            addresses=Addresses(self.woken.append),
            coordinator=coordinator,
        )
        kind = model_deployments(gatherer, decide=decide, model_retry=30.0)
        executor = Executor(self.kube, self.registry, clock=lambda: self.clock.now().timestamp(), tenancy=tenancy)
        parts = Parts(
            executor, connections, references, self.clock, admission or Admission(), compute=compute or Inline()
        )
        return reconciler_of(kind, parts)

    def create(self, *, name: str = "churn", **spec: Any) -> Ref:
        """A person creates a ModelDeployment; ``spec`` are whole top-level fields."""
        manifest = model_deployment("team", name)
        manifest["spec"] |= spec
        return Ref.of(self.kube.create(manifest))

    async def a_pass(self, operator: Reconciler, ref: Ref) -> Result:
        """One pass over the object as it is now."""
        body = await self.kube.get(ref)
        assert body is not None
        return await operator.reconcile(body)

    async def settle(self, operator: Reconciler, ref: Ref, *, at_most: int = 20) -> Result:
        """Passes until one writes nothing; fails if that takes too many."""
        for _ in range(at_most):
            result = await self.a_pass(operator, ref)
            if not result.wrote:
                return result
        raise AssertionError(f"still writing after {at_most} passes")

    def make_ready(self) -> None:
        """What the Deployment controller and the kubelet do: every pod that is wanted exists and is ready."""
        for deployment in self.kube.of_kind("Deployment"):
            replicas = deployment["spec"].get("replicas", 1)
            status = {
                "observedGeneration": deployment["metadata"]["generation"],
                "replicas": replicas,
                "readyReplicas": replicas,
                "availableReplicas": replicas,
                "updatedReplicas": replicas,
            }
            self.kube.edit(Ref.of(deployment), lambda obj, status=status: obj.update(status=status))  # type: ignore[misc]

    def take_up_routes(self) -> None:
        """What the Gateway ``public`` does: it serves each route of ours as it is now."""
        for route in self.kube.of_kind("HTTPRoute"):
            if naming.MANAGED_BY not in route["metadata"].get("labels", {}):
                continue
            generation, word = route["metadata"]["generation"], self.gateway_says
            answer = {"status": "True" if word is None else "False", "observedGeneration": generation}
            conditions = [{"type": kind, "reason": word or kind, **answer} for kind in ("Accepted", "ResolvedRefs")]
            status = {"parents": [{"parentRef": {"name": "public"}, "conditions": conditions}]}
            self.kube.edit(Ref.of(route), lambda obj, status=status: obj.update(status=status))  # type: ignore[misc]

    def weights(self, ref: Ref) -> dict[str, int]:
        """Weights of the live route by version of the model."""
        status = self.status(ref)
        arms = [status.get("stable"), status.get("candidate"), *status.get("retiring", ())]
        versions = {arm["revision"]: arm["modelVersion"] for arm in arms if arm}
        [route] = self.kube.of_kind("HTTPRoute")
        return {versions[revision]: weight for revision, weight in route_weights(route).items()}

    def status(self, ref: Ref) -> dict[str, Any]:
        """The status of an object."""
        status: dict[str, Any] = self.kube.objects[ref].get("status", {})
        return status

    def conditions(self, ref: Ref) -> dict[str, tuple[str, str]]:
        """(status, reason) by type."""
        conditions = self.status(ref).get("conditions", [])
        return {condition["type"]: (condition["status"], condition["reason"]) for condition in conditions}


@pytest.fixture
def bench() -> Bench:
    """Version 1 is registered, and ``challenger`` points to it."""
    bench = Bench()
    bench.registry.publish("1", "challenger")
    return bench
