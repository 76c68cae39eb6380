"""The children of our objects as the watches last saw them, kept small.

An entry is the object without ``managedFields``, packed but for those that were looked at last. Our own writes enter at
once (*read your writes*), and nothing older than what is held ever replaces it, so a watch event that was already on
its way cannot turn time back.

Anybody may make objects that carry our label. Children of owners that are not known wait in a small space that each
namespace has for itself, the oldest forgotten first: an owner and its children come by different watches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rollmodel.adapters.kubernetes.watches.foreign_routes import FOREIGN_ROUTE_KIND, ForeignRoutes
from rollmodel.adapters.kubernetes.watches.news import is_news, kept
from rollmodel.adapters.kubernetes.watches.packed import PackedObjects
from rollmodel.plan.access.ownership import Controller, controller_of
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest

__all__ = ["STRANGERS_BYTES", "ChildStore", "version_of"]


def version_of(obj: Manifest) -> int:
    """The resourceVersion as a number: versions of one resource can be compared (KEP-5504)."""
    return int(obj["metadata"]["resourceVersion"])


#: How much one namespace may have waiting, packed.
STRANGERS_BYTES = 256 * 2**10
#: What a child costs beside what is packed of it: its address, its owner, its places in tables.
_ENTRY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class _Entry:
    version: int
    owner: Controller


class ChildStore:
    """All children by owner. ``wake(owner_uid)`` is called when one changed and it was not our own write."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self.foreign_routes = ForeignRoutes(wake)
        self._entries: dict[Ref, _Entry] = {}
        self._objects: PackedObjects[Ref] = PackedObjects()
        self._refs: dict[Controller, dict[Ref, None]] = {}
        self._known: set[Controller] = set()
        self._strangers: dict[str, dict[Ref, int]] = {}

    def adopt(self, owner: Controller) -> None:
        """This owner exists: its children are kept from now on."""
        self._known.add(owner)
        for ref in self._refs.get(owner, ()):
            self._forget_stranger(ref)

    def disown(self, owner: Controller) -> None:
        """This owner is gone, and its children are of no interest any more."""
        self._known.discard(owner)
        self.foreign_routes.forget(owner.uid)
        for ref in tuple(self._refs.get(owner, ())):
            self._drop(ref)

    def of(self, owner: Controller) -> list[dict[str, Any]]:
        """The children that this owner controls: those that name it in full, from its own namespace.

        Nobody may change them.
        """
        return [self._objects[ref] for ref in self._refs.get(owner, ())]

    def find(self, ref: Ref) -> dict[str, Any] | None:
        """One child, or None where none is known."""
        return self._objects[ref] if ref in self._entries else None

    def on_write(self, obj: Manifest) -> None:
        """Take in the answer to a write of ours. We write for owners that exist."""
        owner = controller_of(obj)
        if owner is not None:
            self.adopt(owner)
        elif obj["kind"] == FOREIGN_ROUTE_KIND:
            self.foreign_routes.put(obj, tell=False)
        self._put(obj)

    def on_event(self, obj: Manifest) -> None:
        """Take in an object that a watch or a list brought; if it is news, wake the owner it has and the one it had."""
        ref = Ref.of(obj)
        if ref.kind == FOREIGN_ROUTE_KIND:
            self._greet(ref, obj)
        before, held = self._owner(ref), self.find(ref)
        if self._put(obj) and (held is None or is_news(held, kept(obj))):
            for owner in {before, self._owner(ref)}:
                if owner is not None:
                    self._wake(owner.uid)

    def on_delete(self, ref: Ref, version: int) -> None:
        """Forget an object that was deleted at this version, unless its name was taken again since."""
        self.foreign_routes.remove(ref, version)
        entry = self._entries.get(ref)
        if entry is not None and entry.version <= version:
            self._drop(ref)
            self._wake(entry.owner.uid)

    def replace(self, kind: tuple[str, str], namespace: str | None, present: Iterable[Ref], version: int) -> None:
        """After a list at ``version``: forget what it did not show. ``namespace`` None means the whole cluster."""
        listed = set(present)
        absent = [
            ref
            for ref in self._entries
            if (ref.api_version, ref.kind) == kind and namespace in (None, ref.namespace) and ref not in listed
        ]
        for ref in absent:
            self.on_delete(ref, version)
        if kind[1] == FOREIGN_ROUTE_KIND:
            self.foreign_routes.replace(namespace, listed, version)

    def _greet(self, ref: Ref, obj: Manifest) -> None:
        """A route without a controller is its owner's own; one with a controller is not."""
        if controller_of(obj) is None and not obj["metadata"].get("deletionTimestamp"):
            self.foreign_routes.put(obj)
        else:
            self.foreign_routes.remove(ref, version_of(obj))

    def _owner(self, ref: Ref) -> Controller | None:
        entry = self._entries.get(ref)
        return None if entry is None else entry.owner

    def _put(self, obj: Manifest) -> bool:
        """Hold this object if it is newer than what is held. True if something changed."""
        ref, version, owner = Ref.of(obj), version_of(obj), controller_of(obj)
        held = self._entries.get(ref)
        if held is not None and held.version >= version:
            return False
        if held is not None and held.owner != owner:
            self._drop(ref)
        if owner is None:
            return held is not None
        self._entries[ref] = _Entry(version, owner)
        self._objects[ref] = kept(obj)
        self._refs.setdefault(owner, {})[ref] = None
        if owner not in self._known:
            self._wait(ref, self._objects.pack(ref) + _ENTRY_BYTES)
        return True

    def _wait(self, ref: Ref, size: int) -> None:
        """Keep it for an owner that may come, and forget the oldest of its namespace where that becomes too much."""
        waiting = self._strangers.setdefault(ref.namespace, {})
        waiting.pop(ref, None)
        waiting[ref] = size
        while sum(waiting.values()) > STRANGERS_BYTES:
            self._drop(next(iter(waiting)))

    def _forget_stranger(self, ref: Ref) -> None:
        waiting = self._strangers.get(ref.namespace, {})
        waiting.pop(ref, None)
        if not waiting:
            self._strangers.pop(ref.namespace, None)

    def _drop(self, ref: Ref) -> None:
        owner = self._entries.pop(ref).owner
        del self._objects[ref]
        self._forget_stranger(ref)
        siblings = self._refs[owner]
        del siblings[ref]
        if not siblings:
            del self._refs[owner]
