"""Writes to the Kubernetes API that cannot touch somebody else's work.

Three guards stand between a decision and that: an apply that creates can only create, an apply that changes can only
change the very object (by UID) that our owner controls, and a delete carries the UID decided on. Status, finalizers and
the backends of a rule are replaced only in the version that was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import APPLY, JSON_PATCH, ApiServer
from rollmodel.adapters.kubernetes.kinds import path_of
from rollmodel.adapters.kubernetes.watches.store import ChildStore
from rollmodel.errors import Conflict, Invalid, NotFound, Unavailable
from rollmodel.plan.access.ownership import controller_of, succeeds
from rollmodel.plan.decision import Ref, SetBackends
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.naming import FIELD_MANAGER

__all__ = ["GuardedWrites"]

#: No object ever has this resourceVersion (etcd begins with it), so that an apply which carries it can only create.
_NEVER = "1"


class GuardedWrites:
    """The writing half of :class:`rollmodel.ports.Kube`. What was stored is put into the cache of children at once."""

    def __init__(self, api: ApiServer, children: ChildStore) -> None:
        self._api = api
        self._children = children

    async def get(self, ref: Ref) -> dict[str, Any] | None:
        """The live object, or None."""
        try:
            return await self._api.request("GET", path_of(ref))
        except NotFound:
            return None

    async def apply(self, manifest: Manifest) -> dict[str, Any]:
        """Server-side apply of a child, also of one that is being deleted: a route still routes until it is gone.

        Invalid (``NameTaken``) where the name belongs to somebody else; Unavailable (``BeingDeleted``) while that goes.
        """
        held = self._children.find(Ref.of(manifest))
        if held is None:
            try:
                return await self._apply(manifest, {"resourceVersion": _NEVER})
            except Conflict:
                held = await self.get(Ref.of(manifest))
        elif controller_of(held) != controller_of(manifest):  # that it goes may not have reached us yet
            held = await self.get(Ref.of(manifest))
        if held is None:
            raise Conflict(f"{_title(manifest)} was deleted just now")
        if controller_of(held) != controller_of(manifest):
            if held["metadata"].get("deletionTimestamp"):
                raise Unavailable(_leaving(manifest, held), reason="BeingDeleted")
            if succeeds(controller_of(manifest), controller_of(held)):
                raise Conflict(f"{_title(manifest)} goes with the object that had this name before")
            raise Invalid(f"{_title(manifest)} exists and is not controlled by this object", reason="NameTaken")
        return await self._apply(manifest, {"uid": held["metadata"]["uid"]})

    async def _apply(self, manifest: Manifest, precondition: Mapping[str, str]) -> dict[str, Any]:
        body = {**manifest, "metadata": {**manifest["metadata"], **precondition}}
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        path = path_of(Ref.of(manifest))
        stored = await self._api.request("PATCH", path, query=query, body=body, content_type=APPLY)
        self._children.on_write(stored)
        return stored

    async def delete(self, ref: Ref, *, uid: str) -> None:
        """Delete in the background if the object still has this UID."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        try:
            await self._api.request("DELETE", path_of(ref), body=options)
        except (NotFound, Conflict):  # gone, or the name belongs to a newer object
            return

    async def patch_status(self, ref: Ref, status: Mapping[str, Any], *, resource_version: str) -> dict[str, Any]:
        """Replace the status as a whole, guarded by the resourceVersion; the object as stored."""
        return await self._replace(path_of(ref, "status"), "/status", dict(status), resource_version)

    async def patch_finalizers(self, ref: Ref, finalizers: Sequence[str], *, resource_version: str) -> dict[str, Any]:
        """Replace the finalizers, guarded by the resourceVersion; the object as stored."""
        return await self._replace(path_of(ref), "/metadata/finalizers", list(finalizers), resource_version)

    async def _replace(self, path: str, field: str, value: Any, resource_version: str) -> dict[str, Any]:
        patch = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version},
            {"op": "add", "path": field, "value": value},
        ]
        return await self._api.request("PATCH", path, body=patch, content_type=JSON_PATCH)

    async def set_backends(self, change: SetBackends) -> None:
        """Replace the backends of a rule, guarded by the resourceVersion."""
        rule = f"/spec/rules/{change.index}"
        patch = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": change.resource_version},
            {"op": "test", "path": f"{rule}/name", "value": change.rule},
            {"op": "add", "path": f"{rule}/backendRefs", "value": list(change.backends)},
        ]
        query = {"fieldManager": FIELD_MANAGER}
        path = path_of(change.ref)
        stored = await self._api.request("PATCH", path, query=query, body=patch, content_type=JSON_PATCH)
        self._children.on_write(stored)


def _leaving(manifest: Manifest, held: Manifest) -> str:
    """Of an object with this name, of another owner or of one that had our name before."""
    finalizers = ", ".join(held["metadata"].get("finalizers") or ())
    return f"{_title(manifest)} of another object is being deleted" + (f", held by {finalizers}" if finalizers else "")


def _title(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"
