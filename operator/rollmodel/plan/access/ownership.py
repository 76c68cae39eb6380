"""Who controls an object. A UID alone proves nothing: anybody can write one into an owner reference of theirs.

An object is a child only where namespace, group, kind, name and UID of its controller all fit: references across
namespaces are not allowed (https://kubernetes.io/docs/concepts/architecture/garbage-collection/), yet such an object
lives until the garbage collector finds it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollmodel.plan.manifest import Manifest

__all__ = ["Controller", "controller_of", "identity_of", "succeeds"]


@dataclass(frozen=True, slots=True)
class Controller:
    """An object as its children name it, and the namespace in which they must be."""

    namespace: str
    group: str
    kind: str
    name: str
    uid: str


def identity_of(obj: Manifest) -> Controller:
    """What the children of this object name as their controller."""
    meta = obj["metadata"]
    return Controller(meta["namespace"], _group(obj["apiVersion"]), obj["kind"], meta["name"], meta["uid"])


def controller_of(child: Manifest) -> Controller | None:
    """What this object names as its controller; None where it names none, or not completely."""
    meta = child["metadata"]
    for owner in meta.get("ownerReferences") or ():
        if owner.get("controller"):
            parts = [owner.get(key) or "" for key in ("apiVersion", "kind", "name", "uid")]
            return Controller(meta["namespace"], _group(parts[0]), *parts[1:]) if all(parts) else None
    return None


def succeeds(owner: Controller | None, before: Controller | None) -> bool:
    """Whether the one is a new object with the name of the other, whose children the garbage collector will take."""
    return owner is not None and before is not None and owner != before and replace(owner, uid=before.uid) == before


def _group(api_version: str) -> str:
    """The group without its version, which an upgrade may change: empty for the core group."""
    return api_version.rpartition("/")[0]
