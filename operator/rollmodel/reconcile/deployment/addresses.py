"""Who has which address at a Gateway: of two routes with the same host and path the older one gets the requests.

Gateways say ``Accepted`` to both. Each pass claims the addresses of its object, in memory; nothing is asked for it. Who
shares an address is woken when a claim changes or goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rollmodel.api.modeldeployment import ModelDeploymentSpec, Traffic
from rollmodel.plan.deployment.observed import AddressTaken
from rollmodel.plan.deployment.routers.http_route import published
from rollmodel.plan.deployment.runtimes import PRESETS
from rollmodel.plan.manifest import Manifest

__all__ = ["Address", "Addresses"]

#: Gateway (namespace and name), host ("*" where none is named), path.
Address = tuple[str, str, str]
#: After every real time: the route has yet to be created.
_NOT_YET = "~"


@dataclass(frozen=True, slots=True)
class _Claim:
    """``age`` sorts as the Gateway API does: the older route first, then by namespace and name."""

    name: str
    age: tuple[str, str, str]
    listeners: frozenset[tuple[Address, str | None]]


class Addresses:
    """The claims of all objects, by their UID. ``wake(uid)`` tells an object to look again."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self.wake = wake
        self._claims: dict[str, _Claim] = {}
        self._by_address: dict[Address, set[str]] = {}

    def claim(self, body: Manifest, spec: ModelDeploymentSpec, children: Sequence[Manifest]) -> AddressTaken | None:
        """Note the addresses of an object; who older has one of them, if somebody does."""
        uid, claim = body["metadata"]["uid"], _claim(body, spec, children)
        if claim != self._claims.get(uid):
            self.forget(uid)
            if claim.listeners:
                self._put(uid, claim)
        return self._taken(uid, claim)

    def forget(self, uid: str) -> None:
        """It has no addresses any more: others may get their requests."""
        before = self._claims.pop(uid, None)
        for address, _ in before.listeners if before is not None else ():
            sharing = self._by_address.get(address, set())
            sharing.discard(uid)
            if not sharing:
                self._by_address.pop(address, None)
        if before is not None:
            self._notify(uid, before)

    def _put(self, uid: str, claim: _Claim) -> None:
        self._claims[uid] = claim
        for address, _ in claim.listeners:
            self._by_address.setdefault(address, set()).add(uid)
        self._notify(uid, claim)

    def _notify(self, uid: str, claim: _Claim) -> None:
        for other in {other for address, _ in claim.listeners for other in self._by_address.get(address, ())} - {uid}:
            self.wake(other)

    def _taken(self, uid: str, claim: _Claim) -> AddressTaken | None:
        lost = {one: owner for one in claim.listeners if (owner := self._older(uid, claim, *one)) is not None}
        if not lost:
            return None
        (gateway, host, path), _ = min(lost, key=lambda one: (one[0], one[1] or ""))
        owner = min(lost.values(), key=lambda one: one.age)
        return AddressTaken(owner.name, f"{gateway} {host}{path}", whole=len(lost) == len(claim.listeners))

    def _older(self, uid: str, claim: _Claim, address: Address, listener: str | None) -> _Claim | None:
        """The oldest other claim to an address at the same listener, or at all of them."""
        others = [self._claims[other] for other in self._by_address.get(address, ()) if other != uid]
        older = [
            other
            for other in others
            if other.age < claim.age
            and any(where == address and (at is None or at == listener) for where, at in other.listeners)
        ]
        return min(older, key=lambda other: other.age, default=None)


def _claim(body: Manifest, spec: ModelDeploymentSpec, children: Sequence[Manifest]) -> _Claim:
    meta = body["metadata"]
    name = f"{meta['namespace']}/{meta['name']}"
    routes = [child for child in children if child["kind"] in {"HTTPRoute", "GRPCRoute"}]
    created = routes[0]["metadata"].get("creationTimestamp") if routes else None
    age = (str(created or _NOT_YET), str(meta.get("creationTimestamp") or _NOT_YET), name)
    return _Claim(name, age, frozenset(_listeners(meta["namespace"], spec)))


def _listeners(namespace: str, spec: ModelDeploymentSpec) -> Iterator[tuple[Address, str | None]]:
    if spec.traffic is None:
        return
    for parent in spec.traffic.gateways:
        gateway = f"{parent.namespace or namespace}/{parent.name}"
        for host in spec.traffic.hostnames or ["*"]:
            for path in _paths(spec, spec.traffic):
                yield (gateway, host, path), parent.section_name


def _paths(spec: ModelDeploymentSpec, traffic: Traffic) -> Iterator[str]:
    """Under which paths of the host it is; services and methods of gRPC are paths, too."""
    if traffic.protocol == "GRPC":
        yield from published(traffic, PRESETS[spec.runtime.preset])
    else:
        yield traffic.path_prefix.rstrip("/") or "/"
