"""HTTPRoutes of others whose owners gave them our label: they come by the watch of ours, and are nobody's children.

Who asks for one is woken when it changes. Anybody may label routes, so each namespace has a small space of its own,
from which the oldest are forgotten first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rollmodel.adapters.kubernetes.watches.news import kept
from rollmodel.adapters.kubernetes.watches.packed import PackedObjects
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest

__all__ = ["FOREIGN_ROUTE_BYTES", "FOREIGN_ROUTE_KIND", "ForeignRoutes"]

FOREIGN_ROUTE_KIND = "HTTPRoute"
#: How much one namespace may have here, packed.
FOREIGN_ROUTE_BYTES = 256 * 2**10


class ForeignRoutes:
    """By address. ``wake(uid)`` tells those who asked for one that it changed, or went."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._versions: dict[Ref, int] = {}
        self._objects: PackedObjects[Ref] = PackedObjects(unpacked=16)
        self._sizes: dict[str, dict[Ref, int]] = {}
        self._followers: dict[Ref, set[str]] = {}
        self._followed: dict[str, Ref] = {}

    def find(self, ref: Ref, uid: str) -> dict[str, Any] | None:
        """The route, if there is one with our label; this object follows it from now on, and no other."""
        if self._followed.get(uid) != ref:
            self.forget(uid)
            self._followed[uid] = ref
            self._followers.setdefault(ref, set()).add(uid)
        return self._objects[ref] if ref in self._versions else None

    def forget(self, uid: str) -> None:
        """This object follows none any more."""
        ref = self._followed.pop(uid, None)
        if ref is not None:
            self._followers[ref].discard(uid)
            if not self._followers[ref]:
                del self._followers[ref]

    def put(self, obj: Manifest, *, tell: bool = True) -> None:
        """Hold this one, unless a newer one is held."""
        ref, version = Ref.of(obj), int(obj["metadata"]["resourceVersion"])
        if self._versions.get(ref, -1) >= version:
            return
        self._versions[ref] = version
        self._objects[ref] = kept(obj)
        sizes = self._sizes.setdefault(ref.namespace, {})
        sizes.pop(ref, None)
        sizes[ref] = self._objects.pack(ref)
        while sum(sizes.values()) > FOREIGN_ROUTE_BYTES:
            self._drop(next(iter(sizes)))
        if tell:
            self._notify(ref)

    def remove(self, ref: Ref, version: int) -> None:
        """It was deleted at this version, or lost our label, or has an owner now."""
        if self._versions.get(ref, version + 1) <= version:
            self._drop(ref)
            self._notify(ref)

    def replace(self, namespace: str | None, present: Iterable[Ref], version: int) -> None:
        """After a list: forget what it did not show."""
        listed = set(present)
        for ref in [ref for ref in self._versions if namespace in (None, ref.namespace) and ref not in listed]:
            self.remove(ref, version)

    def _drop(self, ref: Ref) -> None:
        del self._versions[ref]
        del self._objects[ref]
        sizes = self._sizes[ref.namespace]
        del sizes[ref]
        if not sizes:
            del self._sizes[ref.namespace]

    def _notify(self, ref: Ref) -> None:
        for uid in tuple(self._followers.get(ref, ())):
            self._wake(uid)
