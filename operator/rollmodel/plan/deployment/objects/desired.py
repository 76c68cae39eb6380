"""Which children should exist and how, and which should go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rollmodel.api.base import GROUP
from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan import naming
from rollmodel.plan.canonical import canonical_json
from rollmodel.plan.decision import ApplyObject, DeleteObject, EmitEvent, Event, Ref
from rollmodel.plan.deployment.advance import drained
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.objects.apply_order import in_order
from rollmodel.plan.deployment.objects.pod.ports import grpc_port
from rollmodel.plan.deployment.objects.pools.desired import pool_leftovers, pool_objects
from rollmodel.plan.deployment.objects.scaling import scaling_leftovers, scaling_objects
from rollmodel.plan.deployment.objects.traffic.falling_asleep import pods_that_stay
from rollmodel.plan.deployment.objects.traffic.holding import holding_leftovers, holding_objects
from rollmodel.plan.deployment.objects.traffic.pairs import pairs_service
from rollmodel.plan.deployment.objects.traffic.services import preview_service, revision_service
from rollmodel.plan.deployment.objects.workload import deployment
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.router import leftovers
from rollmodel.plan.deployment.strategies.baseline.pods import baseline_pods
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.deployment.strategies.split import candidate_pods, desired_split, retiring_pods, stable_pods
from rollmodel.plan.diff import matches
from rollmodel.plan.manifest import Manifest

__all__ = ["Changes", "changed_objects", "desired_objects"]

LiveByAddress = Mapping[tuple[str, str], Manifest]

#: What was applied last, as a hash: a live object that differs although we want nothing else was edited by somebody.
APPLIED = f"{GROUP}/applied"

_RECORDS_KEPT = 5


@dataclass(frozen=True, slots=True)
class Changes:
    """What the children need. ``events`` name children that are put right."""

    apply: tuple[ApplyObject, ...]
    delete: tuple[DeleteObject, ...]
    events: tuple[EmitEvent, ...]


def desired_objects(rollout: Rollout) -> list[Manifest]:
    """All children that should exist: pods before weight."""
    manifests = [manifest for arm, pods in _with_pods(rollout) for manifest in _of_revision(rollout, arm, pods)]
    manifests += [*_preview(rollout), *pairs_service(rollout)]
    split = desired_split(rollout)
    if split is not None:
        manifests += rollout.router.objects(rollout.owner, split, installed=rollout.context.installed)
    if manifests:
        url = rollout.observed.defaults.keda_prometheus_url
        manifests += holding_objects(rollout)
        manifests += scaling_objects(rollout.owner, rollout.spec.scale, prometheus_url=url)
    return manifests


def changed_objects(rollout: Rollout) -> Changes:
    """What must be applied and deleted, so that exactly the desired children exist."""
    live = {_address(child): child for child in rollout.live}
    wanted = [_with_applied_hash(one) for one in desired_objects(rollout) if not _is_written_record(one, live)]
    apply = tuple(manifest for manifest in wanted if not matches(manifest, live.get(_address(manifest))))
    return Changes(in_order(apply, rollout), _removals(rollout), tuple(_restorations(apply, live)))


def _is_written_record(manifest: Manifest, live: LiveByAddress) -> bool:
    """A record is written once and never again."""
    return manifest["kind"] == "ControllerRevision" and _address(manifest) in live


def _restorations(changed: tuple[Manifest, ...], live: LiveByAddress) -> Iterator[EmitEvent]:
    """Events for children that somebody edited and that are put right again."""
    for manifest in changed:
        found = live.get(_address(manifest))
        if found is not None and _applied_hash(found) == _applied_hash(manifest):
            kind, name = _address(manifest)
            event = Event("Warning", "Restored", f"{kind} {name} was changed by somebody else and is put right")
            yield EmitEvent(event, repairs=Ref.of(manifest))


def _removals(rollout: Rollout) -> tuple[DeleteObject, ...]:
    """Children that should go: those of drained revisions, those of other routers, records that are old or not ours."""
    live = rollout.live
    drained_arms = [arm.revision for arm in rollout.retiring if drained(arm, rollout)]
    gone = [revision for revision in drained_arms if not _is_selected(rollout, revision)]
    leaving = [child for rev in gone for child in (live.deployments.get(rev), live.services.get(rev)) if child]
    leaving += [*leftovers(rollout.router, live), *scaling_leftovers(rollout.spec.scale, live)]
    leaving += [*holding_leftovers(rollout), *pool_leftovers(rollout, gone)]
    for service, wanted in ((live.preview, _preview(rollout)), (live.pairs, pairs_service(rollout))):
        leaving += [service] if service is not None and not list(wanted) else []
    return tuple(_delete(child) for child in [*leaving, *live.not_believed, *_old_records(rollout)])


def _preview(rollout: Rollout) -> Iterator[Manifest]:
    """The Service of a candidate that is previewed; nobody is, where nothing serves yet."""
    if rollout.candidate is not None and rollout.stable is not None and current_goal(rollout).preview:
        revision = rollout.candidate.revision
        yield preview_service(rollout.owner, revision, grpc_port(rollout, revision))


def _with_pods(rollout: Rollout) -> Iterator[tuple[ArmStatus, int]]:
    """Revisions, and how many pods each should have. Retired ones are left as they are, but where they free places."""
    for arm, pods in _asked_pods(rollout):
        yield arm, pods or pods_that_stay(rollout, arm)


def _asked_pods(rollout: Rollout) -> Iterator[tuple[ArmStatus, int]]:
    """The same, as if pods could go as soon as nobody asks for them."""
    if rollout.stable is not None:
        yield rollout.stable, stable_pods(rollout)
    if rollout.candidate is not None:
        yield rollout.candidate, candidate_pods(rollout)
    if rollout.baseline is not None:
        yield rollout.baseline, baseline_pods(rollout)
    for arm, pods in retiring_pods(rollout):
        if pods < rollout.live.asked_replicas(arm.revision) and not drained(arm, rollout):
            yield arm, pods


def _of_revision(rollout: Rollout, arm: ArmStatus, replicas: int) -> Iterator[Manifest]:
    """Record and Deployment of a revision, and its Service where the router needs it: each takes an IP address.

    A baseline has the record of the stable revision.
    """
    revision = rollout.revision(arm.revision)
    if revision is None:
        return
    is_baseline = rollout.baseline is not None and arm.revision == rollout.baseline.revision
    yield deployment(
        rollout.owner,
        revision.id,
        revision.template,
        replicas=replicas,
        deadline_seconds=rollout.spec.rollout.deadline_seconds,
        model_name=revision.model_name,
        baseline_of=rollout.stable.revision if is_baseline and rollout.stable is not None else None,
    )
    if not is_baseline:
        yield revisions.record(rollout.owner, revision, rollout.observed.generation)
    if rollout.router.capabilities.revision_services:
        yield revision_service(rollout.owner, revision.id, grpc_port(rollout, revision.id))
    yield from pool_objects(rollout, revision)


def _is_selected(rollout: Rollout, revision: str) -> bool:
    service = rollout.live.main_service
    return service is not None and service["spec"]["selector"].get(naming.REVISION) == revision


def _old_records(rollout: Rollout) -> list[Manifest]:
    """Records of revisions that are not in use, but for the newest few."""
    used = {arm.revision for arm in rollout.state.arms()}
    idle = [record for revision, record in rollout.live.records.items() if revision not in used]
    idle.sort(key=lambda record: (record["revision"], record["metadata"]["name"]))
    return idle[:-_RECORDS_KEPT]


def _delete(child: Manifest) -> DeleteObject:
    return DeleteObject(Ref.of(child), child["metadata"]["uid"])


def _address(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _with_applied_hash(manifest: Manifest) -> Manifest:
    meta = manifest["metadata"]
    applied = naming.short_hash(canonical_json(_as_first_released(manifest), spaces=True))
    return {**manifest, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), APPLIED: applied}}}


def _as_first_released(manifest: Manifest) -> Manifest:
    """With ``blockOwnerDeletion``, which children had at first: their hashes stay, so an upgrade rewrites none."""
    meta = manifest["metadata"]
    owners = [{**owner, "blockOwnerDeletion": True} for owner in meta["ownerReferences"]]
    return {**manifest, "metadata": {**meta, "ownerReferences": owners}}


def _applied_hash(manifest: Manifest) -> str | None:
    applied: str | None = (manifest["metadata"].get("annotations") or {}).get(APPLIED)
    return applied
