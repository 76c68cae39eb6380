"""The live children of one ModelDeployment, sorted by what they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rollmodel.api.modeldeployment import RecordStatus
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.baseline import BASELINE_OF
from rollmodel.plan.deployment.objects.revision import Revision, content_hash, from_deployment, from_record
from rollmodel.plan.manifest import Manifest

__all__ = ["LiveObjects"]


@dataclass(frozen=True, slots=True)
class LiveObjects:
    """What exists now. Revisions are the keys.

    Objects on their way out do not count, nor do those of another name than we would give, nor records of another
    content than status remembers: a record that somebody else made must not say what runs.
    """

    records: Mapping[str, Manifest] = field(default_factory=dict)
    deployments: Mapping[str, Manifest] = field(default_factory=dict)
    services: Mapping[str, Manifest] = field(default_factory=dict)
    shared: Mapping[str, Manifest] = field(default_factory=dict)
    """Objects that belong to no single revision, by kind: the main Service, the route."""
    preview: Manifest | None = None
    """The Service of a candidate that is previewed."""
    pairs: Manifest | None = None
    """The Service of the pods whose answers a candidate compares with its own."""
    holding: Manifest | None = None
    """The Deployment of the holding page."""
    pools: Mapping[str, Manifest] = field(default_factory=dict)
    """InferencePools."""
    pickers: Mapping[str, Manifest] = field(default_factory=dict)
    """Deployments of endpoint pickers."""
    picker_services: Mapping[str, Manifest] = field(default_factory=dict)
    """Services of endpoint pickers."""
    without_picker: frozenset[str] = frozenset()
    """Revisions that must not get traffic yet, since nobody can choose among their pods."""
    users_route: Manifest | None = None
    """An HTTPRoute of somebody else, of which one rule leads here: no child."""
    not_believed: Sequence[Manifest] = ()
    """Records that do not say what status remembers."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """What status remembers of records."""

    @classmethod
    def of(
        cls, children: Sequence[Manifest], owner: str, remembered: Sequence[RecordStatus] | None = None
    ) -> LiveObjects:
        """Sort the children of the ModelDeployment of this name. Without ``remembered`` all records are believed."""
        present = [child for child in children if not child["metadata"].get("deletionTimestamp")]
        staying = [child for child in present if child["metadata"]["name"] == _name(owner, _revision_of(child))]
        found = _by_revision(staying, "ControllerRevision")
        hashes = {one.revision: one.hash for one in remembered or ()}
        records = {key: one for key, one in found.items() if remembered is None or hashes.get(key) == content_hash(one)}
        return cls(
            records=records,
            not_believed=[one for key, one in found.items() if key not in records],
            hashes=hashes,
            deployments=_by_revision(staying, "Deployment"),
            services=_by_revision(staying, "Service"),
            shared=_shared(staying),
            preview=_service_called(naming.preview(owner), present),
            pairs=_service_called(naming.pairs(owner), present),
            pools=_by_revision(staying, "InferencePool"),
            pickers=_of_pickers(present, "Deployment", owner),
            picker_services=_of_pickers(present, "Service", owner),
            holding=next((child for child in present if _is_holding(child, owner)), None),
        )

    @property
    def main_service(self) -> Manifest | None:
        """The Service that clients in the cluster use."""
        return self.shared.get("Service")

    def __iter__(self) -> Iterator[Manifest]:
        """All of them."""
        yield from self.not_believed
        yield from (one for one in (self.preview, self.pairs, self.holding) if one is not None)
        pools = (self.pools, self.pickers, self.picker_services)
        for group in (self.records, self.deployments, self.services, *pools, self.shared):
            yield from group.values()

    def revision(self, identity: str) -> Revision | None:
        """The revision as it was recorded; where the record is lost, as its Deployment runs it."""
        if identity in self.records:
            return from_record(self.records[identity])
        if identity in self.deployments:
            return from_deployment(self.deployments[identity])
        return None

    def baseline_of(self, identity: str) -> str | None:
        """The revision of which this one runs fresh pods; None where it is a version of its own."""
        notes = self.deployments.get(identity, {}).get("metadata", {}).get("annotations") or {}
        stable: str | None = notes.get(BASELINE_OF)
        return stable

    def replicas(self, identity: str) -> int:
        """Pods of a revision that exist."""
        return self._count(identity, "replicas")

    def asked_replicas(self, identity: str) -> int:
        """Pods of a revision that its Deployment asks for."""
        return int(self.deployments.get(identity, {}).get("spec", {}).get("replicas") or 0)

    def ready(self, identity: str) -> int:
        """Pods of a revision that passed a real inference, and that requests can get to."""
        return 0 if identity in self.without_picker else self._count(identity, "readyReplicas")

    def _count(self, identity: str, name: str) -> int:
        return int(self.deployments.get(identity, {}).get("status", {}).get(name) or 0)


def _revision_of(child: Manifest) -> str | None:
    return (child["metadata"].get("labels") or {}).get(naming.REVISION)


def _name(owner: str, revision: str | None) -> str:
    return naming.shared(owner) if revision is None else naming.child(owner, revision)


def _service_called(name: str, children: Sequence[Manifest]) -> Manifest | None:
    """A Service that belongs to no single revision, beside the main one."""
    services = (child for child in children if child["kind"] == "Service" and not _revision_of(child))
    return next((child for child in services if child["metadata"]["name"] == name), None)


def _is_holding(child: Manifest, owner: str) -> bool:
    named = child["metadata"]["name"] == naming.holding(owner)
    return child["kind"] == "Deployment" and named and not _revision_of(child)


def _of_pickers(children: Sequence[Manifest], kind: str, owner: str) -> dict[str, Manifest]:
    """What belongs to endpoint pickers, by the revision of their pool."""
    found = ((_picked(child), child) for child in children if child["kind"] == kind)
    named = ((revision, child) for revision, child in found if revision is not None)
    return {rev: child for rev, child in named if child["metadata"]["name"] == naming.picker(owner, rev)}


def _picked(child: Manifest) -> str | None:
    pool: str | None = (child["metadata"].get("labels") or {}).get(naming.PICKER)
    return None if pool is None else pool.rpartition("-")[2]


def _by_revision(children: Sequence[Manifest], kind: str) -> dict[str, Manifest]:
    return {revision: child for child in children if child["kind"] == kind and (revision := _revision_of(child))}


def _shared(children: Sequence[Manifest]) -> dict[str, Manifest]:
    """The first of each kind."""
    return {child["kind"]: child for child in reversed(children) if not _revision_of(child)}
