"""The HTTPRoute, owned as a whole: its lists are atomic, so nobody could co-own one weight (GEP-1742, SSA markers).

Every default of the API is written out, so that the live object can be compared exactly. A revision without weight is
left out rather than given weight 0: a session that is pinned to a backend outranks weight 0 (GEP-1619).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.api.modeldeployment import ParentRef, Traffic
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.meta import Owner, metadata
from rollmodel.plan.deployment.objects.services import SERVICE_PORT

__all__ = ["GATEWAY_GROUP", "http_route"]

GATEWAY_GROUP = "gateway.networking.k8s.io"


def http_route(owner: Owner, traffic: Traffic, weights: Mapping[str, int]) -> dict[str, Any]:
    """The route that gives each revision its weight in percent."""
    rule: dict[str, Any] = {
        "matches": [{"path": {"type": "PathPrefix", "value": traffic.path_prefix}}],
        "backendRefs": [
            {
                "group": "",
                "kind": "Service",
                "name": naming.child(owner.name, revision),
                "port": SERVICE_PORT,
                "weight": weight,
            }
            for revision, weight in sorted(weights.items())
            if weight > 0
        ],
    }
    if traffic.request_timeout_seconds is not None:
        rule["timeouts"] = {"request": f"{traffic.request_timeout_seconds}s"}
    return {
        "apiVersion": f"{GATEWAY_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(owner, naming.shared(owner.name)),
        "spec": {
            "parentRefs": [_parent(parent) for parent in traffic.parent_refs],
            "hostnames": list(traffic.hostnames or ()),
            "rules": [rule],
        },
    }


def _parent(parent: ParentRef) -> dict[str, Any]:
    reference = {"group": GATEWAY_GROUP, "kind": "Gateway", "name": parent.name}
    if parent.namespace:
        reference["namespace"] = parent.namespace
    if parent.section_name:
        reference["sectionName"] = parent.section_name
    return reference
