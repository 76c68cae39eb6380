"""Traffic split by a GRPCRoute of the Gateway API: as by an HTTPRoute, but what is published are services and methods.

It needs Services that say `kubernetes.io/h2c`. It cannot rewrite or time out, which the API server refuses in our spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner, metadata
from rollmodel.plan.deployment.objects.traffic.services import GRPC_PORT, main_service
from rollmodel.plan.deployment.routers.gateway_answers import observed_route, route_weights
from rollmodel.plan.deployment.routers.http_route import HttpRoute, published, with_mirror_percent
from rollmodel.plan.deployment.routers.match import RequestMatch
from rollmodel.plan.deployment.routers.route_parts import GATEWAY_GROUP, backends, groups, mirrors, parent
from rollmodel.plan.deployment.routers.traffic import ObservedTraffic, Split
from rollmodel.plan.deployment.runtimes import PRESETS
from rollmodel.plan.manifest import Manifest

__all__ = ["GrpcRoute"]


@dataclass(frozen=True, slots=True)
class GrpcRoute(HttpRoute):
    """The route gives each revision its weight; shares and pods are those of an HTTPRoute."""

    kinds: ClassVar[frozenset[str]] = frozenset({"Service", "GRPCRoute"})

    @classmethod
    def of(cls, spec: ModelDeploymentSpec) -> Self | None:
        """Where ``traffic.protocol`` says so."""
        if spec.traffic is None or spec.traffic.protocol != "GRPC":
            return None
        return cls(spec.traffic, published(spec.traffic, PRESETS[spec.runtime.preset]))

    def objects(self, owner: Owner, split: Split, *, installed: bool) -> Iterator[Manifest]:
        """The main Service, and the route once a revision can answer."""
        yield main_service(owner, split.main, split.main_grpc_port)
        if installed and split.weights:
            yield self._route(owner, split)

    def live_weights(self, owner: Owner, live: LiveObjects) -> Mapping[str, int]:
        """As the live route has them."""
        route = live.shared.get("GRPCRoute")
        return {} if route is None else route_weights(route, owner.name)

    def observe(self, owner: Owner, live: LiveObjects, *, installed: bool) -> ObservedTraffic:
        """Read back from the live route, once every Gateway that serves it has taken up that very generation."""
        if not installed:
            message = "GRPC takes GRPCRoutes in the cluster, and `features.grpcRoutes` in the operator's chart"
            return ObservedTraffic({}, "False", "GatewayAPIMissing", message, needs_person=True)
        route = live.shared.get("GRPCRoute")
        if route is None:
            return ObservedTraffic({}, "Unknown", "NoRouteYet", "the route is created once a revision is ready")
        return with_mirror_percent(observed_route(route, self.traffic.gateways, owner), route)

    def _route(self, owner: Owner, split: Split) -> dict[str, Any]:
        return {
            "apiVersion": f"{GATEWAY_GROUP}/v1",
            "kind": "GRPCRoute",
            "metadata": metadata(owner, naming.shared(owner.name)),
            "spec": {
                "parentRefs": [parent(one) for one in self.traffic.gateways],
                "hostnames": list(self.traffic.hostnames or ()),
                "rules": [
                    self._rule(owner, split, weights, match) for weights, match in groups(split.weights, split.matched)
                ],
            },
        }

    def _rule(
        self, owner: Owner, split: Split, weights: Mapping[str, int], match: RequestMatch | None
    ) -> dict[str, Any]:
        rule: dict[str, Any] = {"backendRefs": backends(owner, weights, GRPC_PORT)}
        if matches := _matches(self.paths, match):
            rule["matches"] = matches
        if filters := mirrors(owner, split.mirrored, GRPC_PORT):
            rule["filters"] = filters
        return rule


def _matches(paths: Sequence[str], match: RequestMatch | None) -> list[dict[str, Any]]:
    """One for each service or method; none where all are published, to whoever asks."""
    headers = {} if match is None else {"headers": [match.header()]}
    methods = [{}] if "/" in paths else [_method(path) for path in paths]
    return [one for method in methods if (one := {**method, **headers})]


def _method(path: str) -> dict[str, Any]:
    """The service and the method of a path ``/SERVICE/METHOD``, as HTTP/2 carries them."""
    service, _, method = path.strip("/").partition("/")
    return {"method": {"type": "Exact", "service": service, **({"method": method} if method else {})}}
