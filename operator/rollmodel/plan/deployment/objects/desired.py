"""From memory to manifests: which children should exist and how, and which should go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan import naming
from rollmodel.plan.decision import Delete, Event, Ref
from rollmodel.plan.deployment.advance import drained
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.objects.live import Live
from rollmodel.plan.deployment.objects.route import http_route
from rollmodel.plan.deployment.objects.services import main_service, revision_service
from rollmodel.plan.deployment.objects.workload import deployment
from rollmodel.plan.deployment.routers.weights import candidate_pods, wish
from rollmodel.plan.deployment.state import Memory
from rollmodel.plan.diff import matches

__all__ = ["Manifest", "changes", "removals", "restorations", "wished"]

Manifest = Mapping[str, Any]

#: What was applied last, as a hash: a live object that differs although we want nothing else was edited by somebody.
APPLIED = f"{GROUP}/applied"

_RECORDS_KEPT = 5


def wished(memory: Memory, look: Look) -> list[Manifest]:
    """All children that should exist, in the order in which they are applied: pods before weight."""
    manifests = [manifest for arm in _serving(memory) for manifest in _of_revision(memory, look, arm)]
    manifests += [main_service(look.owner, selected) for selected in _selected(memory, look)]
    weights = wish(memory, look.spec, look.world)
    if look.spec.traffic is not None and look.observed.gateway_available and weights:
        manifests.append(http_route(look.owner, look.spec.traffic, weights))
    return [_sealed(manifest) for manifest in manifests]


def changes(manifests: list[Manifest], look: Look) -> tuple[Manifest, ...]:
    """Those that differ from the live object. A record is written once and never again."""
    live = {_address(child): child for child in _live(look)}
    return tuple(
        manifest
        for manifest in manifests
        if not matches(manifest, found := live.get(_address(manifest)))
        and not (found and manifest["kind"] == "ControllerRevision")
    )


def restorations(changed: tuple[Manifest, ...], look: Look) -> Iterator[Event]:
    """Events for children that somebody edited and that are put right again."""
    live = {_address(child): child for child in _live(look)}
    for manifest in changed:
        found = live.get(_address(manifest))
        if found is not None and _seal_of(found) == _seal_of(manifest):
            kind, name = _address(manifest)
            yield Event("Warning", "Restored", f"{kind} {name} was changed by somebody else and is put right")


def removals(memory: Memory, look: Look) -> tuple[Delete, ...]:
    """Children that should go: of drained revisions, a route that is not asked for any more, old records."""
    world = look.world
    gone = [arm.revision for arm in memory.retiring if drained(arm, look) and not _is_selected(look, arm.revision)]
    leaving = [live for rev in gone for live in (world.deployments.get(rev), world.services.get(rev)) if live]
    if look.spec.traffic is None and world.route is not None:
        leaving.append(world.route)
    return tuple(_delete(live) for live in [*leaving, *_old_records(memory, look)])


def _serving(memory: Memory) -> list[ArmStatus]:
    return [arm for arm in (memory.stable, memory.candidate) if arm is not None]


def _of_revision(memory: Memory, look: Look, arm: ArmStatus) -> Iterator[Manifest]:
    """Record, Deployment and Service of a revision."""
    revision = look.revision(arm.revision)
    if revision is None:
        return
    stable = memory.stable is not None and memory.stable.revision == arm.revision
    yield revisions.record(look.owner, revision, look.observed.generation)
    yield deployment(
        look.owner,
        revision.id,
        revision.template,
        replicas=look.spec.scale.replicas if stable else candidate_pods(memory, look.spec, look.world),
        deadline_seconds=look.spec.rollout.deadline_seconds,
        model_name=revision.model_name,
    )
    yield revision_service(look.owner, revision.id)


def _selected(memory: Memory, look: Look) -> Iterator[str | None]:
    """The revision behind the main Service; None for a split by replicas."""
    arms = _serving(memory)
    if not arms:
        return
    weights = wish(memory, look.spec, look.world)
    if look.spec.traffic is not None or not weights:
        yield arms[0].revision
    else:
        yield None if len(weights) > 1 and not memory.retiring else next(iter(weights))


def _is_selected(look: Look, revision: str) -> bool:
    service = look.world.main_service
    return service is not None and service["spec"]["selector"].get(naming.REVISION) == revision


def _old_records(memory: Memory, look: Look) -> list[Live]:
    """Records of revisions that are not in use, but for the newest few."""
    used = {arm.revision for arm in memory.arms()}
    idle = [live for revision, live in look.world.records.items() if revision not in used]
    idle.sort(key=lambda live: (live["revision"], live["metadata"]["name"]))
    return idle[:-_RECORDS_KEPT]


def _delete(live: Live) -> Delete:
    meta = live["metadata"]
    return Delete(Ref(live["apiVersion"], live["kind"], meta["namespace"], meta["name"]), meta["uid"])


def _live(look: Look) -> Iterator[Live]:
    world = look.world
    for group in (world.records, world.deployments, world.services):
        yield from group.values()
    yield from (live for live in (world.main_service, world.route) if live is not None)


def _address(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _sealed(manifest: Manifest) -> Manifest:
    seal = naming.short_hash(json.dumps(manifest, sort_keys=True))
    meta = manifest["metadata"]
    return {**manifest, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), APPLIED: seal}}}


def _seal_of(manifest: Manifest) -> str | None:
    seal: str | None = (manifest["metadata"].get("annotations") or {}).get(APPLIED)
    return seal
