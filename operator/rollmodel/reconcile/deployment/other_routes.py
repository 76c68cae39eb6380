"""HTTPRoutes that are not ours: of two with the same host and path the older one gets the requests.

They are not watched: a cluster may have thousands. They are listed for each new address, once our route exists
and its age is known; a route that comes later is younger. While one is in the way it is looked for again each minute.
One list serves all who ask within that time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rollmodel.errors import RollmodelError
from rollmodel.plan.deployment.observed import AddressTaken
from rollmodel.ports import Clock, Kube, Manifest
from rollmodel.reconcile.deployment.addresses import Address

__all__ = ["OtherRoutes"]

_log = logging.getLogger(__name__)

#: An address, and the listener; empty for all of them.
_Place = tuple[Address, str]
_Places = frozenset[_Place]

#: For so many seconds a list is good enough.
_FRESH_SECONDS = 55.0


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found about addresses, and when; ``again``: it may be otherwise by now."""

    wanted: _Places
    taken: AddressTaken | None
    at: float
    again: bool


class OtherRoutes:
    """Who else has an address, by the UID of who asks."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._kube, self._clock = kube, clock
        self._looks: dict[str, _Look] = {}
        self._listed: tuple[float, Sequence[Manifest]] | None = None

    async def older(self, uid: str, children: Sequence[Manifest]) -> AddressTaken | None:
        """An older route of somebody else with an address of this object's route, if there is one."""
        mine = next((child for child in children if child["kind"] == "HTTPRoute"), None)
        if mine is None:
            return None
        wanted, now = frozenset(_places(mine)), self._clock.now().timestamp()
        before = self._looks.get(uid)
        if before is not None and before.wanted == wanted and (not before.again or now - before.at < _FRESH_SECONDS):
            return before.taken
        try:
            others = await self._list(now)
        except RollmodelError as error:
            _log.warning("listing HTTPRoutes of others: %s", error)
            self._looks[uid] = _Look(wanted, before.taken if before is not None else None, now, again=True)
        else:
            taken = _taken(mine, wanted, others)
            self._looks[uid] = _Look(wanted, taken, now, again=taken is not None)
        return self._looks[uid].taken

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._looks.pop(uid, None)

    async def _list(self, now: float) -> Sequence[Manifest]:
        if self._listed is None or now - self._listed[0] >= _FRESH_SECONDS:
            self._listed = now, await self._kube.list_other_routes()
        return self._listed[1]


def _taken(mine: Manifest, wanted: _Places, others: Sequence[Manifest]) -> AddressTaken | None:
    """The oldest route that has an address of mine and is older, as the Gateway API has it."""
    found = [(_age(other), other, _shared(wanted, other)) for other in others]
    older = sorted((one for one in found if one[2] and one[0] < _age(mine)), key=lambda one: one[0])
    if not older:
        return None
    lost = {place for _, _, shared in older for place in shared}
    _, owner, shared = older[0]
    gateway, host, path = min(shared)[0]
    name = f"HTTPRoute {owner['metadata']['namespace']}/{owner['metadata']['name']}"
    return AddressTaken(name, f"{gateway} {host}{path}", whole=lost == wanted, watched=False)


def _shared(wanted: _Places, other: Manifest) -> set[_Place]:
    """The places that a route has, too; one without a listener is at all of them."""
    theirs = set(_places(other))
    return {
        (address, listener)
        for address, listener in wanted
        if any(where == address and (not at or not listener or at == listener) for where, at in theirs)
    }


def _age(route: Manifest) -> tuple[str, str, str]:
    meta = route["metadata"]
    return str(meta.get("creationTimestamp") or ""), meta["namespace"], meta["name"]


def _places(route: Manifest) -> Iterator[_Place]:
    """Host and path at each Gateway, and the listener if one is named, as far as nothing else of a request is asked."""
    spec = route.get("spec") or {}
    for parent in spec.get("parentRefs") or ():
        if parent.get("kind", "Gateway") == "Gateway":
            gateway = f"{parent.get('namespace') or route['metadata']['namespace']}/{parent['name']}"
            for host in spec.get("hostnames") or ["*"]:
                for path in _paths(spec):
                    yield (gateway, host, path), parent.get("sectionName") or ""


def _paths(spec: Manifest) -> Iterator[str]:
    for rule in spec.get("rules") or ():
        for match in rule.get("matches") or [{}]:
            path = match.get("path") or {}
            plain = not match.keys() - {"path"} and path.get("type", "PathPrefix") == "PathPrefix"
            if plain:
                yield str(path.get("value") or "/").rstrip("/") or "/"
