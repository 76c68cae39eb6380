"""Objects as an API server keeps them, and what people and other controllers do with them.

resourceVersions, UIDs, generations, server-side apply that forgets what is no longer applied, finalizers, and garbage
collection by owner.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from rollmodel.errors import Conflict, Invalid, Unavailable
from rollmodel.plan.access.ownership import controller_of, succeeds
from rollmodel.plan.decision import Ref

__all__ = ["Manifest", "ObjectStore"]

Manifest = Mapping[str, Any]


class ObjectStore:
    """Holds objects by address. ``policy`` may change what is applied before it is stored, as admission does."""

    def __init__(self) -> None:
        self.objects: dict[Ref, dict[str, Any]] = {}
        self.policy: Callable[[dict[str, Any]], None] = lambda obj: None
        self._version = 1
        self._applied: dict[Ref, dict[str, Any]] = {}

    def create(self, manifest: Manifest) -> dict[str, Any]:
        """Somebody else creates an object."""
        ref = Ref.of(manifest)
        assert ref not in self.objects, f"{ref} exists"
        return deepcopy(self._create(ref, manifest))

    def edit(self, ref: Ref, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Somebody else changes an object, spec or status."""
        changed = deepcopy(self.objects[ref])
        change(changed)
        return deepcopy(self._store(ref, changed))

    def remove(self, ref: Ref) -> None:
        """Somebody else deletes an object; with finalizers it stays until :meth:`edit` takes them away."""
        live = self.objects[ref]
        if live["metadata"].get("finalizers"):
            self.edit(ref, lambda obj: obj["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z"))
            return
        del self.objects[ref]
        self._applied.pop(ref, None)
        self._collect(live["metadata"]["uid"])

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        return [deepcopy(obj) for ref, obj in self.objects.items() if ref.kind == kind]

    def _apply(self, ref: Ref, manifest: Manifest) -> dict[str, Any]:
        live = self.objects.get(ref)
        if live is None:
            self._applied[ref] = deepcopy(dict(manifest))
            created = deepcopy(dict(manifest))
            self.policy(created)
            return self._create(ref, created)
        if controller_of(live) != controller_of(manifest):
            if live["metadata"].get("deletionTimestamp"):
                raise Unavailable(f"{ref.kind} {ref.name} of another object is being deleted", reason="BeingDeleted")
            if succeeds(controller_of(manifest), controller_of(live)):
                raise Conflict(f"{ref.kind} {ref.name} goes with the object that had this name before")
            raise Invalid(f"{ref.kind} {ref.name} exists and is not controlled by this object", reason="NameTaken")
        merged = _merge(_without(deepcopy(live), self._applied.get(ref, {}), manifest), manifest)
        self.policy(merged)
        self._applied[ref] = deepcopy(dict(manifest))
        return self._store(ref, merged)

    def _create(self, ref: Ref, manifest: Manifest) -> dict[str, Any]:
        obj = deepcopy(dict(manifest))
        system = {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
        obj["metadata"] = {**obj["metadata"], **system, "resourceVersion": self._next()}
        self.objects[ref] = obj
        return obj

    def _store(self, ref: Ref, changed: dict[str, Any]) -> dict[str, Any]:
        live = self.objects[ref]
        if changed == live:
            return live
        if changed.get("spec") != live.get("spec"):
            changed["metadata"]["generation"] = live["metadata"]["generation"] + 1
        changed["metadata"]["resourceVersion"] = self._next()
        self.objects[ref] = changed
        if changed["metadata"].get("deletionTimestamp") and not changed["metadata"].get("finalizers"):
            self.remove(ref)
        return changed

    def _next(self) -> str:
        self._version += 1
        return str(self._version)

    def _collect(self, owner_uid: str) -> None:
        for ref in [ref for ref, obj in self.objects.items() if owner_uid in _owners(obj)]:
            if ref in self.objects:
                self.remove(ref)


def _owners(obj: Manifest) -> Iterator[str]:
    yield from (owner["uid"] for owner in obj["metadata"].get("ownerReferences", ()))


def _merge(live: Any, wanted: Any) -> Any:
    """Maps are merged, everything else is replaced."""
    if not (isinstance(live, Mapping) and isinstance(wanted, Mapping)):
        return deepcopy(wanted)
    return {**live, **{key: _merge(live.get(key), value) for key, value in wanted.items()}}


def _without(live: Any, before: Any, now: Any) -> Any:
    """Take away what we applied before and no longer apply."""
    if not all(isinstance(part, Mapping) for part in (live, before, now)):
        return live
    for key, value in before.items():
        if key in live:
            live[key] = _without(live[key], value, now.get(key))
            if key not in now:
                del live[key]
    return live
