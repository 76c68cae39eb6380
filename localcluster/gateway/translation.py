"""The whole translation: from the objects of the API to what Envoy should do and what status should say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localcluster.kubeapi import Object

from .attachment import ANY_HOST, Attachment, attachments
from .backends import Backends, Endpoints
from .grpc import as_http
from .routes import RankedRoute, envoy_routes, unsupported
from .snapshot import Reason, Snapshot

__all__ = ["Configuration", "RouteVerdict", "translate"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What Envoy should do: clusters with their endpoints, and virtual hosts (RouteConfiguration.virtual_hosts)."""

    clusters: Mapping[str, Endpoints]
    virtual_hosts: Sequence[Object]


@dataclass(frozen=True, slots=True)
class RouteVerdict:
    """What became of one route, an object of this ``resource``."""

    resource: str
    route: Object
    attachments: Sequence[Attachment]
    unsupported: Reason | None
    unresolved: Sequence[Reason]


def translate(snapshot: Snapshot) -> tuple[Configuration, list[RouteVerdict]]:
    """Translate everything anew; equal snapshots give equal results."""
    backends = Backends(snapshot)
    hosts: dict[str, list[RankedRoute]] = {}
    verdicts = []
    both = [("httproutes", route, route) for route in snapshot.routes]
    both += [("grpcroutes", route, as_http(route)) for route in snapshot.grpc_routes]
    for resource, route, rules in both:
        attached = attachments(rules, snapshot)
        refused = unsupported(rules)
        ranked, problems = envoy_routes(rules, backends)
        if not refused:
            for host in {host for item in attached for host in item.hostnames}:
                hosts.setdefault(host, []).extend(ranked)
        verdicts.append(RouteVerdict(resource, route, attached, refused, problems))
    return Configuration(backends.clusters, [_virtual_host(host, hosts[host]) for host in sorted(hosts)]), verdicts


def _virtual_host(host: str, ranked: Sequence[RankedRoute]) -> Object:
    """Envoy itself prefers an exact domain, then the longest wildcard, then ``*``."""
    name = "any" if host == ANY_HOST else host
    return {"name": name, "domains": [host], "routes": [item.route for item in sorted(ranked, key=lambda r: r.rank)]}
