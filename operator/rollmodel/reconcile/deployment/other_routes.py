"""HTTPRoutes that are not ours: of two with the same host and path the older one gets the requests.

They are not watched: a cluster may have thousands. They are listed for each new address, once our route exists
and its age is known; a route that comes later is younger. While one is in the way it is looked for again each minute.
One list serves all who ask within that time, and whose route is older than it. A route counts at a Gateway that has
accepted it: anybody may write one.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rollmodel.errors import RollmodelError
from rollmodel.plan.deployment.observed import AddressTaken
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock
from rollmodel.reconcile.deployment.addresses import Address

__all__ = ["OtherRoutes"]

_log = logging.getLogger(__name__)

#: An address, and the listener; empty for all of them.
_Place = tuple[Address, str]
_Places = frozenset[_Place]

#: For so many seconds a list is good enough.
_FRESH_SECONDS = 55.0
#: Where many routes are made at once, they are listed this often, in seconds.
_LEAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Search:
    """What was found about addresses, and when.

    ``again``: it may be otherwise by now. ``early``: by a list that was made before our route.
    """

    wanted: _Places
    taken: AddressTaken | None
    at: float
    again: bool
    early: bool = False

    def holds(self, wanted: _Places, now: float) -> bool:
        """Whether it still tells who has the wanted places."""
        return self.wanted == wanted and not self.early and (not self.again or now - self.at < _FRESH_SECONDS)


@dataclass(frozen=True, slots=True)
class _Route:
    """What matters of a route: its parts, since a route of a few lines may have thousands of addresses."""

    age: tuple[str, str, str]
    gateways: frozenset[tuple[str, str]]
    hosts: frozenset[str]
    paths: frozenset[str]

    @classmethod
    def of(cls, manifest: Manifest, *, accepted: bool = False) -> Self:
        """Read a route; with ``accepted`` only at the Gateways that have taken it."""
        spec, meta = manifest.get("spec") or {}, manifest["metadata"]
        parents = _accepted(manifest) if accepted else spec.get("parentRefs") or ()
        return cls(
            (str(meta.get("creationTimestamp") or ""), meta["namespace"], meta["name"]),
            frozenset(_gateways(parents, meta["namespace"])),
            frozenset(spec.get("hostnames") or ["*"]),
            frozenset(_paths(spec)),
        )

    def places(self) -> _Places:
        """All addresses; for routes of ours, which have few."""
        return frozenset(
            ((gateway, host, path), listener)
            for gateway, listener in self.gateways
            for host in self.hosts
            for path in self.paths
        )

    def shared(self, wanted: _Places) -> _Places:
        """Those of the wanted places that this route has too; one without a listener is at all of them."""
        return frozenset(place for place in wanted if self._has(*place))

    def _has(self, address: Address, listener: str) -> bool:
        gateway, host, path = address
        if host not in self.hosts or path not in self.paths:
            return False
        return any(where == gateway and (not at or not listener or at == listener) for where, at in self.gateways)


class OtherRoutes:
    """Who else has an address, by the UID of who asks."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._kube, self._clock = kube, clock
        self._searches: dict[str, _Search] = {}
        self._listed: tuple[float, Sequence[_Route]] | None = None
        self._listing = asyncio.Lock()

    async def older(self, uid: str, children: Sequence[Manifest]) -> AddressTaken | None:
        """An older route of somebody else with an address of this object's route, if there is one."""
        manifest = next((child for child in children if child["kind"] == "HTTPRoute"), None)
        if manifest is None:
            return None
        mine = _Route.of(manifest)
        wanted, now = mine.places(), self._clock.now().timestamp()
        before = self._searches.get(uid)
        if before is not None and before.holds(wanted, now):
            return before.taken
        created = parse(mine.age[0]).timestamp() if mine.age[0] else now
        try:
            at, others = await self._list(now, created)
        except RollmodelError as error:
            _log.warning("listing HTTPRoutes of others: %s", error)
            self._searches[uid] = _Search(wanted, before.taken if before is not None else None, now, again=True)
        else:
            taken = _taken(mine, wanted, others)
            self._searches[uid] = _Search(wanted, taken, now, again=taken is not None, early=at < created)
        return self._searches[uid].taken

    def are_read(self, uid: str) -> bool:
        """Whether what was said about an object is by a list that was made after its route."""
        return uid not in self._searches or not self._searches[uid].early

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._searches.pop(uid, None)

    async def _list(self, now: float, created: float) -> tuple[float, Sequence[_Route]]:
        """All of them, and as of when. After a restart all ask at once: the first one asks for all."""
        async with self._listing:
            at = -math.inf if self._listed is None else self._listed[0]
            if now - at >= (_FRESH_SECONDS if at >= created else _LEAST_SECONDS) or self._listed is None:
                found = await self._kube.list_other_routes()
                self._listed = now, [_Route.of(route, accepted=True) for route in found]
            return self._listed


def _taken(mine: _Route, wanted: _Places, others: Sequence[_Route]) -> AddressTaken | None:
    """The oldest route that has an address of mine and is older, as the Gateway API has it."""
    found = [(other.age, other.shared(wanted)) for other in others if other.age < mine.age]
    older = sorted((one for one in found if one[1]), key=lambda one: one[0])
    if not older:
        return None
    (_, namespace, name), shared = older[0]
    lost = frozenset().union(*(places for _, places in older))
    gateway, host, path = min(shared)[0]
    owner = f"HTTPRoute {namespace}/{name}"
    return AddressTaken(owner, f"{gateway} {host}{path}", whole=lost == wanted, watched=False)


def _accepted(manifest: Manifest) -> Iterator[Mapping[str, Any]]:
    """The parents that say Accepted."""
    for answer in (manifest.get("status") or {}).get("parents") or ():
        conditions = answer.get("conditions") or ()
        if any(one.get("type") == "Accepted" and one.get("status") == "True" for one in conditions):
            yield answer["parentRef"]


def _gateways(parents: Any, namespace: str) -> Iterator[tuple[str, str]]:
    for parent in parents:
        if parent.get("kind", "Gateway") == "Gateway":
            yield f"{parent.get('namespace') or namespace}/{parent['name']}", parent.get("sectionName") or ""


def _paths(spec: Manifest) -> Iterator[str]:
    """Path prefixes of matches that ask for nothing else of a request."""
    for rule in spec.get("rules") or ():
        for match in rule.get("matches") or [{}]:
            path = match.get("path") or {}
            plain = not match.keys() - {"path"} and path.get("type", "PathPrefix") == "PathPrefix"
            if plain:
                yield str(path.get("value") or "/").rstrip("/") or "/"
