"""Which routes belong to which listeners, and under which hostnames. Pure.

Rules: https://gateway-api.sigs.k8s.io/reference/spec/ (ParentReference, Listener, HTTPRouteSpec.hostnames).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localcluster.kubeapi import Object

from .snapshot import GATEWAY_GROUP, Reason, Snapshot, key

__all__ = ["ANY_HOST", "ROUTE_KINDS", "Attachment", "attachments", "intersect", "listener_problem"]

ANY_HOST = "*"
ROUTE_KINDS = [{"group": GATEWAY_GROUP, "kind": kind} for kind in ("HTTPRoute", "GRPCRoute")]


@dataclass(frozen=True, slots=True)
class Attachment:
    """What became of one parentRef of a route that names a Gateway of ours.

    ``refused`` is None where the route is accepted; then ``hostnames`` are those that it serves there, and
    ``listeners`` the names of the listeners it is attached to.
    """

    parent: Object
    gateway: Object
    hostnames: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()
    refused: Reason | None = None


def listener_problem(listener: Object) -> Reason | None:
    """Why a listener is not served, None where it is."""
    if listener["protocol"] != "HTTP":
        return Reason("UnsupportedProtocol", f"only HTTP is served here, not {listener['protocol']}")
    return None


def attachments(route: Object, snapshot: Snapshot) -> list[Attachment]:
    """One for each parentRef that names a Gateway of ours."""
    gateways = {key(gateway): gateway for gateway in snapshot.own_gateways()}
    found = []
    for parent in route["spec"].get("parentRefs", ()):
        if (parent.get("group", GATEWAY_GROUP), parent.get("kind", "Gateway")) != (GATEWAY_GROUP, "Gateway"):
            continue
        where = (parent.get("namespace", route["metadata"]["namespace"]), parent["name"])
        if where in gateways:
            found.append(_attach(route, parent, gateways[where]))
    return found


def _attach(route: Object, parent: Object, gateway: Object) -> Attachment:
    named = [
        listener
        for listener in gateway["spec"]["listeners"]
        if parent.get("sectionName") in (None, listener["name"])
        and parent.get("port") in (None, listener["port"])
        and listener_problem(listener) is None
    ]
    if not named:
        return Attachment(parent, gateway, refused=Reason("NoMatchingParent", "no listener of this name and port"))
    allowed = [listener for listener in named if _allows(listener, gateway, route)]
    if not allowed:
        message = "the listener does not allow routes of this kind and namespace"
        return Attachment(parent, gateway, refused=Reason("NotAllowedByListeners", message))
    hosts = {listener["name"]: _hostnames(route, listener) for listener in allowed}
    if not any(hosts.values()):
        message = "no hostname of the route is one of the listener"
        return Attachment(parent, gateway, refused=Reason("NoMatchingListenerHostname", message))
    return Attachment(
        parent,
        gateway,
        hostnames=tuple(sorted(set().union(*hosts.values()))),
        listeners=tuple(name for name, found in hosts.items() if found),
    )


def _allows(listener: Object, gateway: Object, route: Object) -> bool:
    allowed = listener.get("allowedRoutes", {})
    kinds = allowed.get("kinds") or ROUTE_KINDS
    origin = allowed.get("namespaces", {}).get("from", "Same")
    same = route["metadata"]["namespace"] == gateway["metadata"]["namespace"]
    return any(kind["kind"] == route.get("kind", "HTTPRoute") for kind in kinds) and (
        origin == "All" or (origin == "Same" and same)
    )


def _hostnames(route: Object, listener: Object) -> set[str]:
    wanted: Iterable[str] = route["spec"].get("hostnames") or (ANY_HOST,)
    offered = listener.get("hostname") or ANY_HOST
    return {host for name in wanted if (host := intersect(name, offered)) is not None}


def intersect(one: str, other: str) -> str | None:
    """The narrower of two hostnames where one covers the other, else None; ``*.`` stands for one or more labels."""
    for narrow, wide in ((one, other), (other, one)):
        if wide in (narrow, ANY_HOST) or (wide.startswith("*.") and narrow.endswith(wide[1:])):
            return narrow
    return None
