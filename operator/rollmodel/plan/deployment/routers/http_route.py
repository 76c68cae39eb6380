"""Traffic split by an HTTPRoute of the Gateway API, which is owned as a whole.

Its lists are atomic, so nobody could co-own one weight (GEP-1742, SSA markers).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from rollmodel.api.modeldeployment import ModelDeploymentSpec, Traffic
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner, metadata
from rollmodel.plan.deployment.objects.traffic.services import SERVICE_PORT, holding_service, main_service
from rollmodel.plan.deployment.routers.gateway_answers import observed_route, route_weights
from rollmodel.plan.deployment.routers.match import RequestMatch
from rollmodel.plan.deployment.routers.route_parts import (
    GATEWAY_GROUP,
    backends,
    groups,
    has_mirror_percent,
    mirrors,
    parent,
)
from rollmodel.plan.deployment.routers.traffic import Capabilities, ObservedTraffic, Split
from rollmodel.plan.deployment.runtimes import PRESETS
from rollmodel.plan.deployment.runtimes.preset import Preset
from rollmodel.plan.manifest import Manifest

__all__ = ["HttpRoute", "http_route", "published", "with_mirror_percent"]


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """The route gives each revision its weight; the main Service has the stable revision for clients in the cluster."""

    kinds: ClassVar[frozenset[str]] = frozenset({"Service", "HTTPRoute"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        exact_weights=True, mirror=True, header_match=True, others_must_drain=False, revision_services=True
    )

    traffic: Traffic
    paths: Sequence[str] = ("/",)
    """What is published of the server, by its own paths; with `prefixRewrite: Disabled`, by those of the route."""

    @classmethod
    def of(cls, spec: ModelDeploymentSpec) -> Self | None:
        """Where the spec has ``traffic``."""
        if spec.traffic is None or spec.traffic.route_ref is not None:
            return None
        return cls(spec.traffic, published(spec.traffic, PRESETS[spec.runtime.preset]))

    def pods_for(self, weight: int, full: int) -> int:
        """Its share of the full size, rounded up."""
        return min(full, math.ceil(weight * full / 100))

    def share_of(self, weight: int, full: int) -> float:
        """The weight itself (0 to 1): the route splits exactly, whatever the pods."""
        del full
        return weight / 100

    def objects(self, owner: Owner, split: Split, *, installed: bool) -> Iterator[Manifest]:
        """The main Service, and the route once a revision can answer."""
        yield holding_service(owner) if split.holding else main_service(owner, split.main)
        if installed and split.weights:
            paths = [path.format(name=owner.name) for path in self.paths]
            route = http_route(owner, self.traffic, paths, split.weights, split.mirrored, matched=split.matched)
            yield _held(route, owner) if split.holding else route

    def live_weights(self, owner: Owner, live: LiveObjects) -> Mapping[str, int]:
        """As the live route has them."""
        route = live.shared.get("HTTPRoute")
        return {} if route is None else route_weights(route, owner.name)

    def observe(self, owner: Owner, live: LiveObjects, *, installed: bool) -> ObservedTraffic:
        """Read back from the live route, once every Gateway that serves it has taken up that very generation."""
        if not installed:
            message = "this cluster has no Gateway API, or the operator's is off; omit `traffic` to split by replicas"
            return ObservedTraffic({}, "False", "GatewayAPIMissing", message, needs_person=True)
        route = live.shared.get("HTTPRoute")
        if route is None:
            return ObservedTraffic({}, "Unknown", "NoRouteYet", "the route is created once a revision is ready")
        return with_mirror_percent(observed_route(route, self.traffic.gateways, owner), route)


def _held(route: dict[str, Any], owner: Owner) -> dict[str, Any]:
    """The route while the holding page answers: all its rules lead to the main Service."""
    name = naming.shared(owner.name)
    main = {"group": "", "kind": "Service", "name": name, "port": SERVICE_PORT, "weight": 100}
    rules = [{**rule, "backendRefs": [main]} for rule in route["spec"]["rules"]]
    return {**route, "spec": {**route["spec"], "rules": rules}}


def with_mirror_percent(observed: ObservedTraffic, route: Manifest) -> ObservedTraffic:
    """What is observed, unless the definitions of the cluster have dropped what part of the requests is copied."""
    if observed.status != "True" or has_mirror_percent(route):
        return observed
    message = "the Gateway API of this cluster knows no `percent` of mirrored requests: it must be v1.3 or newer"
    return replace(observed, status="False", reason="MirrorPercentUnknown", message=message, needs_person=True)


def published(traffic: Traffic, preset: Preset) -> tuple[str, ...]:
    """Paths of the server that are published: those of the spec, or else those that the preset's clients need."""
    usual = preset.grpc_paths if traffic.protocol == "GRPC" else preset.paths
    return tuple(usual if traffic.paths is None else traffic.paths)


def _shown(path: str, traffic: Traffic) -> str:
    """The path of the route that leads to a path of the server.

    A server that sees the prefix was told of it, or the prefix is a path of its own: then no more than is below both.
    """
    prefix = traffic.path_prefix.rstrip("/")
    if path == "/" or (traffic.paths is None and traffic.prefix_rewrite is not None and _below(prefix, path)):
        return traffic.path_prefix
    if traffic.paths is None and traffic.prefix_rewrite is not None and _below(path, prefix):
        return path
    return prefix + path


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def http_route(
    owner: Owner,
    traffic: Traffic,
    paths: Sequence[str],
    weights: Mapping[str, int],
    mirrored: Mapping[str, int] | None = None,
    *,
    matched: Mapping[str, RequestMatch] | None = None,
) -> dict[str, Any]:
    """The route that gives each revision its weight, and a copy of the mirrored requests; both in percent.

    A revision with a match has rules of its own: they win by the header, and weights of others say what is expected.
    """
    parts = groups(weights, matched or {})
    together = [paths] if _server_sees_prefix(traffic) else [[path] for path in paths]
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(owner, naming.shared(owner.name)),
        "spec": {
            "parentRefs": [parent(one) for one in traffic.gateways],
            "hostnames": list(traffic.hostnames or ()),
            "rules": [
                _rule(owner, traffic, each, part, mirrored or {}, match) for each in together for part, match in parts
            ],
        },
    }


def _rule(  # noqa: PLR0917 - what a rule consists of
    owner: Owner,
    traffic: Traffic,
    paths: Sequence[str],
    weights: Mapping[str, int],
    mirrored: Mapping[str, int],
    match: RequestMatch | None,
) -> dict[str, Any]:
    """One rule for these paths of the server: one path where a gateway has to rewrite it."""
    headers = {} if match is None else {"headers": [match.header()]}
    rule: dict[str, Any] = {
        "matches": [{"path": {"type": "PathPrefix", "value": _shown(path, traffic)}, **headers} for path in paths],
        "backendRefs": backends(owner, weights, SERVICE_PORT),
    }
    if filters := [*_rewrite(traffic, paths[0]), *mirrors(owner, mirrored, SERVICE_PORT)]:
        rule["filters"] = filters
    if traffic.request_timeout_seconds is not None:
        rule["timeouts"] = {"request": f"{traffic.request_timeout_seconds}s"}
    return rule


def _server_sees_prefix(traffic: Traffic) -> bool:
    """Whether nothing is rewritten: there is no prefix, or the server knows it."""
    return traffic.path_prefix == "/" or traffic.prefix_rewrite is not None


def _rewrite(traffic: Traffic, server_path: str) -> Iterator[Manifest]:
    """Model servers know nothing of the prefix under which a gateway shows them."""
    if not _server_sees_prefix(traffic):
        path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": server_path}
        yield {"type": "URLRewrite", "urlRewrite": {"path": path}}
