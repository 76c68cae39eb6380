"""From memory to manifests: which children should exist and how, and which should go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan import naming
from rollmodel.plan.canonical import canonical_json
from rollmodel.plan.decision import Delete, Event, Ref
from rollmodel.plan.deployment.advance import drained
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.objects.live import Live
from rollmodel.plan.deployment.objects.route import http_route
from rollmodel.plan.deployment.objects.services import main_service, revision_service
from rollmodel.plan.deployment.objects.workload import deployment
from rollmodel.plan.deployment.routers.weights import candidate_pods, desired_weights
from rollmodel.plan.deployment.state import RolloutState
from rollmodel.plan.diff import matches

__all__ = ["Manifest", "changes", "desired_objects", "removals", "restorations"]

Manifest = Mapping[str, Any]

#: What was applied last, as a hash: a live object that differs although we want nothing else was edited by somebody.
APPLIED = f"{GROUP}/applied"

_RECORDS_KEPT = 5


def desired_objects(state: RolloutState, context: Context) -> list[Manifest]:
    """All children that should exist, in the order in which they are applied: pods before weight."""
    manifests = [manifest for arm in _serving(state) for manifest in _of_revision(state, context, arm)]
    manifests += [main_service(context.owner, selected) for selected in _selected(state, context)]
    weights = desired_weights(state, context.spec, context.live)
    if context.spec.traffic is not None and context.observed.gateway_available and weights:
        manifests.append(http_route(context.owner, context.spec.traffic, weights))
    return [_with_applied_hash(manifest) for manifest in manifests]


def changes(manifests: list[Manifest], context: Context) -> tuple[Manifest, ...]:
    """Those that differ from the live object. A record is written once and never again."""
    live = {_address(child): child for child in _live(context)}
    return tuple(
        manifest
        for manifest in manifests
        if not matches(manifest, found := live.get(_address(manifest)))
        and not (found and manifest["kind"] == "ControllerRevision")
    )


def restorations(changed: tuple[Manifest, ...], context: Context) -> Iterator[Event]:
    """Events for children that somebody edited and that are put right again."""
    live = {_address(child): child for child in _live(context)}
    for manifest in changed:
        found = live.get(_address(manifest))
        if found is not None and _seal_of(found) == _seal_of(manifest):
            kind, name = _address(manifest)
            yield Event("Warning", "Restored", f"{kind} {name} was changed by somebody else and is put right")


def removals(state: RolloutState, context: Context) -> tuple[Delete, ...]:
    """Children that should go: of drained revisions, a route that is not asked for any more, old records."""
    live = context.live
    gone = [arm.revision for arm in state.retiring if drained(arm, context) and not _is_selected(context, arm.revision)]
    leaving = [child for rev in gone for child in (live.deployments.get(rev), live.services.get(rev)) if child]
    if context.spec.traffic is None and live.route is not None:
        leaving.append(live.route)
    return tuple(_delete(child) for child in [*leaving, *_old_records(state, context)])


def _serving(state: RolloutState) -> list[ArmStatus]:
    return [arm for arm in (state.stable, state.candidate) if arm is not None]


def _of_revision(state: RolloutState, context: Context, arm: ArmStatus) -> Iterator[Manifest]:
    """Record, Deployment and Service of a revision."""
    revision = context.revision(arm.revision)
    if revision is None:
        return
    stable = state.stable is not None and state.stable.revision == arm.revision
    yield revisions.record(context.owner, revision, context.observed.generation)
    yield deployment(
        context.owner,
        revision.id,
        revision.template,
        replicas=context.spec.scale.replicas if stable else candidate_pods(state, context.spec, context.live),
        deadline_seconds=context.spec.rollout.deadline_seconds,
        model_name=revision.model_name,
    )
    yield revision_service(context.owner, revision.id)


def _selected(state: RolloutState, context: Context) -> Iterator[str | None]:
    """The revision behind the main Service; None for a split by replicas."""
    arms = _serving(state)
    if not arms:
        return
    weights = desired_weights(state, context.spec, context.live)
    if context.spec.traffic is not None or not weights:
        yield arms[0].revision
    else:
        yield None if len(weights) > 1 and not state.retiring else next(iter(weights))


def _is_selected(context: Context, revision: str) -> bool:
    service = context.live.main_service
    return service is not None and service["spec"]["selector"].get(naming.REVISION) == revision


def _old_records(state: RolloutState, context: Context) -> list[Live]:
    """Records of revisions that are not in use, but for the newest few."""
    used = {arm.revision for arm in state.arms()}
    idle = [record for revision, record in context.live.records.items() if revision not in used]
    idle.sort(key=lambda record: (record["revision"], record["metadata"]["name"]))
    return idle[:-_RECORDS_KEPT]


def _delete(child: Live) -> Delete:
    return Delete(Ref.of(child), child["metadata"]["uid"])


def _live(context: Context) -> Iterator[Live]:
    live = context.live
    for group in (live.records, live.deployments, live.services):
        yield from group.values()
    yield from (child for child in (live.main_service, live.route) if child is not None)


def _address(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _with_applied_hash(manifest: Manifest) -> Manifest:
    seal = naming.short_hash(canonical_json(manifest, spaces=True))
    meta = manifest["metadata"]
    return {**manifest, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), APPLIED: seal}}}


def _seal_of(manifest: Manifest) -> str | None:
    seal: str | None = (manifest["metadata"].get("annotations") or {}).get(APPLIED)
    return seal
