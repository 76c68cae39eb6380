"""Routers: who splits the traffic between revisions. What a spec asks for is decided here and nowhere else.

A new router is one file with a class as :class:`Router` describes it, and one line in ``ROUTERS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Protocol, Self

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.routers.gateway_answers import route_weights
from rollmodel.plan.deployment.routers.grpc_route import GrpcRoute
from rollmodel.plan.deployment.routers.http_route import HttpRoute
from rollmodel.plan.deployment.routers.inference_pool import InferencePools
from rollmodel.plan.deployment.routers.replica_ratio import ReplicaRatio
from rollmodel.plan.deployment.routers.route_rule import RouteRule
from rollmodel.plan.deployment.routers.traffic import Capabilities, ObservedTraffic, Split
from rollmodel.plan.manifest import Manifest

__all__ = ["ROUTERS", "Router", "leads_to", "leftovers", "router_for"]


class Router(Protocol):
    """How one kind of router splits traffic. Pure: it reads live objects and builds manifests."""

    kinds: ClassVar[frozenset[str]]
    """Kinds of the objects that it builds; objects of other routers' kinds are removed."""
    capabilities: ClassVar[Capabilities]

    @classmethod
    def of(cls, spec: ModelDeploymentSpec) -> Self | None:
        """The router, if the spec asks for this one."""
        ...

    def pods_for(self, weight: int, full: int) -> int:
        """Pods that a weight (percent) takes, where ``full`` pods take all traffic."""
        ...

    def share_of(self, weight: int, full: int) -> float:
        """Share of the traffic (0 .. 1) that a candidate gets at a weight, beside a stable revision at full size."""
        ...

    def objects(self, owner: Owner, split: Split, *, installed: bool) -> Iterator[Manifest]:
        """The objects that split traffic so, in the order in which they are applied."""
        ...

    def live_weights(self, owner: Owner, live: LiveObjects) -> Mapping[str, int]:
        """Percent by revision as the live objects ask for it, whether or not that is in force yet."""
        ...

    def observe(self, owner: Owner, live: LiveObjects, *, installed: bool) -> ObservedTraffic:
        """How the traffic is split now, as far as it can be observed; never what is only desired."""
        ...


#: The first that a spec asks for splits the traffic. ``ReplicaRatio`` takes every spec.
ROUTERS: tuple[type[Router], ...] = (RouteRule, GrpcRoute, InferencePools, HttpRoute, ReplicaRatio)


def router_for(spec: ModelDeploymentSpec) -> Router:
    """The router that a spec asks for."""
    return next(router for kind in ROUTERS if (router := kind.of(spec)) is not None)


def leftovers(router: Router, live: LiveObjects) -> Iterator[Manifest]:
    """Live objects of other routers, which must be removed."""
    others = frozenset[str]().union(*(kind.kinds for kind in ROUTERS)) - router.kinds
    yield from (child for kind, child in live.shared.items() if kind in others)


def leads_to(revision: str, router: Router, live: LiveObjects, owner: Owner) -> bool:
    """Whether a live object asks for requests to a revision: of this router, or of another whose object has to go.

    A gateway may take it up at any moment, or has done so and not said it yet.
    """
    routes = [one for one in leftovers(router, live) if one["kind"] in {"HTTPRoute", "GRPCRoute"}]
    weights = [router.live_weights(owner, live), *(route_weights(route, owner.name) for route in routes)]
    return any(one.get(revision) for one in weights)
