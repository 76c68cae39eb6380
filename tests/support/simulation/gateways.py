"""What controllers of gateways write below ``status.parents`` of a route, each in the manner of one of them.

The manners follow their documentation and field reports; see ``docs/adr/0008-other-peoples-clusters.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["GATEWAYS", "parents"]

Parent = dict[str, Any]
_LONG_AGO = "2026-01-01T00:00:00Z"


def parents(manner: str, generation: int) -> list[Parent]:
    """The entries of a controller that has taken up this generation of a route of the Gateway ``public``."""
    return GATEWAYS[manner](generation)


def _entry(controller: str, generation: int, *kinds: str, **reference: str) -> Parent:
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": kind,
            "message": "",
            "observedGeneration": generation,
            "lastTransitionTime": _LONG_AGO,
        }
        for kind in kinds
    ]
    full = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", **reference}
    return {"parentRef": full, "controllerName": controller, "conditions": conditions}


def _plain(generation: int) -> list[Parent]:
    kinds = ("Accepted", "ResolvedRefs")
    conditions = [{"type": kind, "status": "True", "reason": kind, "observedGeneration": generation} for kind in kinds]
    return [{"parentRef": {"name": "public"}, "conditions": conditions}]


def _moved(generation: int) -> list[Parent]:
    """The entry of the controller that served this Gateway before still stands there, with an old generation."""
    old = _entry("old.example/controller", generation - 1, "Accepted", "ResolvedRefs")
    old["conditions"][0] |= {"status": "False", "reason": "NoMatchingParent"}
    return [old, *GATEWAYS["envoy"](generation)]


def _foreign(generation: int) -> list[Parent]:
    """Other Gateways' entries, one without any condition, and words that are legal and ours are not."""
    mine = _entry("example.com/lb", generation, "Accepted", "ResolvedRefs", "example.com/Synced", namespace="prod")
    mine["conditions"][2] |= {"reason": "LB_NOT_READY", "message": "x" * 32_768, "observedGeneration": 2**63 - 1}
    other = _entry("example.com/mesh", generation, "Accepted", name="internal")
    other["conditions"][0] |= {"status": "False", "reason": "a:b,c_"}
    return [other, {**_entry("example.com/idle", generation, name="spare"), "conditions": []}, mine]


#: By manner: Envoy Gateway writes both conditions, Cilium the references first, Istio and Traefik a namespace, Kong a
#: third condition of its own; ``moved`` is a Gateway that changed its controller; ``foreign`` is one among strangers.
GATEWAYS: dict[str, Callable[[int], list[Parent]]] = {
    "plain": _plain,
    "envoy": lambda n: [_entry("gateway.envoyproxy.io/gatewayclass-controller", n, "Accepted", "ResolvedRefs")],
    "cilium": lambda n: [_entry("io.cilium/gateway-controller", n, "ResolvedRefs", "Accepted")],
    "istio": lambda n: [_entry("istio.io/gateway-controller", n, "Accepted", "ResolvedRefs", namespace="prod")],
    "kong": lambda n: [
        _entry("konghq.com/kic-gateway-controller", n, "Accepted", "ResolvedRefs", "Programmed", namespace="prod")
    ],
    "traefik": lambda n: [_entry("traefik.io/gateway-controller", n, "Accepted", "ResolvedRefs", namespace="prod")],
    "moved": _moved,
    "foreign": _foreign,
}
