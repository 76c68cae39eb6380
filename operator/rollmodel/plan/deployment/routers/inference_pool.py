"""Traffic split by an HTTPRoute between InferencePools: the route says which revision, an endpoint picker which pod.

Weights between pools of one rule are what conformance of the Gateway API Inference Extension asks of a Gateway
(``GatewayWeightedAcrossTwoInferencePools``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.pools.live import POOL_GROUP
from rollmodel.plan.deployment.routers.http_route import HttpRoute, published
from rollmodel.plan.deployment.routers.traffic import Capabilities, ObservedTraffic, Split
from rollmodel.plan.deployment.runtimes import PRESETS
from rollmodel.plan.manifest import Manifest

__all__ = ["InferencePools"]


@dataclass(frozen=True, slots=True)
class InferencePools(HttpRoute):
    """As an HTTPRoute does it, with the pool of a revision in place of its Service.

    Each revision has its Service all the same: it gets the requests while the first picker starts.
    """

    kinds: ClassVar[frozenset[str]] = frozenset({"Service", "HTTPRoute", "InferencePool"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        exact_weights=True, mirror=False, header_match=True, others_must_drain=False, revision_services=True
    )

    @classmethod
    def of(cls, spec: ModelDeploymentSpec) -> Self | None:
        """Where the spec has ``traffic.inferencePool``."""
        if spec.traffic is None or spec.traffic.inference_pool is None:
            return None
        return cls(spec.traffic, published(spec.traffic, PRESETS[spec.runtime.preset]))

    def objects(self, owner: Owner, split: Split, *, installed: bool) -> Iterator[Manifest]:
        """The main Service, and the route; pools belong to revisions."""
        for manifest in HttpRoute.objects(self, owner, split, installed=installed):
            yield _to_pools(manifest, owner, split) if manifest["kind"] == "HTTPRoute" else manifest

    def observe(self, owner: Owner, live: LiveObjects, *, installed: bool) -> ObservedTraffic:
        """As of any route."""
        observed = HttpRoute.observe(self, owner, live, installed=installed)
        if installed:
            return observed
        message = (
            "`traffic.inferencePool` takes HTTPRoutes and InferencePools (inference.networking.k8s.io/v1) in the"
            " cluster, and `features.inferencePools` of the chart; omit it for requests by Services"
        )
        return replace(observed, message=message)


def _to_pools(route: Manifest, owner: Owner, split: Split) -> dict[str, Any]:
    pools = {naming.child(owner.name, revision) for revision in split.pooled}
    rules = [
        {**rule, "backendRefs": [_backend(one) if one["name"] in pools else one for one in rule["backendRefs"]]}
        for rule in route["spec"]["rules"]
    ]
    return {**route, "spec": {**route["spec"], "rules": rules}}


def _backend(service: Mapping[str, Any]) -> dict[str, Any]:
    """A pool has its ports itself."""
    return {"group": POOL_GROUP, "kind": "InferencePool", "name": service["name"], "weight": service["weight"]}
