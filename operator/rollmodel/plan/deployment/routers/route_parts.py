"""Parts of HTTPRoutes and GRPCRoutes: they differ in what they match, not in whom they give requests to.

Every default of the API is written out, so that the live object can be compared exactly. A revision without weight is
left out rather than given weight 0: a session that is pinned to a backend outranks weight 0 (GEP-1619).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.api.modeldeployment import ParentRef
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.routers.match import RequestMatch
from rollmodel.plan.manifest import Manifest

__all__ = ["GATEWAY_GROUP", "Groups", "backends", "groups", "has_mirror_percent", "mirrors", "parent"]

GATEWAY_GROUP = "gateway.networking.k8s.io"

Groups = list[tuple[Mapping[str, int], RequestMatch | None]]


def parent(reference: ParentRef) -> dict[str, Any]:
    """The Gateway that a route attaches to."""
    found = {"group": GATEWAY_GROUP, "kind": "Gateway", "name": reference.name}
    if reference.namespace:
        found["namespace"] = reference.namespace
    if reference.section_name:
        found["sectionName"] = reference.section_name
    return found


def groups(weights: Mapping[str, int], matched: Mapping[str, RequestMatch]) -> Groups:
    """Who answers which requests: those that match, then all others. One who has all traffic needs no match."""
    apart = {revision: matched[revision] for revision in weights if revision in matched and len(weights) > 1}
    others = {revision: weight for revision, weight in weights.items() if revision not in apart}
    return [*(({revision: weights[revision]}, match) for revision, match in sorted(apart.items())), (others, None)]


def backends(owner: Owner, weights: Mapping[str, int], port: int) -> list[dict[str, Any]]:
    """The Services that get requests, with their weights."""
    return [
        {**_backend(owner, revision, port), "weight": weight}
        for revision, weight in sorted(weights.items())
        if weight > 0
    ]


def mirrors(owner: Owner, mirrored: Mapping[str, int], port: int) -> list[dict[str, Any]]:
    """The filters that copy requests, in percent."""
    return [
        {
            "type": "RequestMirror",
            "requestMirror": {"backendRef": _backend(owner, revision, port), "percent": percent},
        }
        for revision, percent in sorted(mirrored.items())
        if percent > 0
    ]


def has_mirror_percent(route: Manifest) -> bool:
    """Whether every mirror of a live route has the percent that we wrote; older definitions drop it, and copy all."""
    filters = [one for rule in route["spec"].get("rules") or () for one in rule.get("filters") or ()]
    return all("percent" in one["requestMirror"] for one in filters if one["type"] == "RequestMirror")


def _backend(owner: Owner, revision: str, port: int) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": naming.child(owner.name, revision), "port": port}
