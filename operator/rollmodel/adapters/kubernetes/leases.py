"""One Lease of ``coordination.k8s.io``, read and written with its resourceVersion as precondition."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.errors import NotFound
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.operators.election import Claim, Lease
from rollmodel.plan.operators.sharding import LABEL, ShardLease

__all__ = ["Leases"]

_API_VERSION = "coordination.k8s.io/v1"
_LEASES = resource_of(_API_VERSION, "Lease")


class Leases:
    """One Lease, by name. Its times are for people: nobody here reads them."""

    def __init__(self, api: ApiServer, namespace: str, name: str, marks: Manifest | None = None) -> None:
        """``marks``: labels and annotations that it has as long as we write it, as in ``metadata``."""
        self._marks = marks or {}
        self._api = api
        self._namespace = namespace
        self._name = name
        self._acquired: str | None = None
        self.manifest: Manifest | None = None
        """As it was last read or written, for an Event about it."""

    async def read(self) -> Lease | None:
        """What it says now; None where there is none."""
        try:
            return self._record(await self._api.request("GET", _LEASES.path(self._namespace, self._name)))
        except NotFound:
            self.manifest = None
            return None

    async def write(self, claim: Claim) -> Lease:
        """Write what is claimed; what is stored. Conflict or NotFound where the Lease is another one by now."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if claim.taken or self._acquired is None:
            self._acquired = now
        meta: dict[str, Any] = {"name": self._name, "namespace": self._namespace}
        if self.manifest is not None:  # labels and annotations of others stay
            meta = {**self.manifest["metadata"], **meta}
        for kind, marks in self._marks.items():
            meta[kind] = {**(meta.get(kind) or {}), **marks}
        if claim.version is not None:
            meta["resourceVersion"] = claim.version
        body = {
            "apiVersion": _API_VERSION,
            "kind": "Lease",
            "metadata": meta,
            "spec": {
                "holderIdentity": claim.holder,
                "leaseDurationSeconds": claim.duration,
                "acquireTime": self._acquired,
                "renewTime": now,
                "leaseTransitions": claim.transitions,
            },
        }
        method, name = ("POST", None) if claim.version is None else ("PUT", self._name)
        return self._record(await self._api.request(method, _LEASES.path(self._namespace, name), body=body))

    async def others(self) -> Sequence[ShardLease]:
        """The Leases of other shards, of the same namespace."""
        found = await self._api.pages(_LEASES.path(self._namespace), {"labelSelector": LABEL})
        return [lease for lease in map(ShardLease.of, found) if lease.name != self._name]

    def _record(self, manifest: Manifest) -> Lease:
        self.manifest = {**manifest, "apiVersion": _API_VERSION, "kind": "Lease"}
        spec = manifest.get("spec") or {}
        return Lease(
            version=manifest["metadata"]["resourceVersion"],
            holder=spec.get("holderIdentity") or "",
            duration=spec.get("leaseDurationSeconds") or 0,
            transitions=spec.get("leaseTransitions") or 0,
        )
