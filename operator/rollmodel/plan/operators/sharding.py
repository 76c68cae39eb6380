"""Sharding: of several operators each works in the namespaces of its shard, which a label names.

A namespace has one label, so it belongs to one shard. Who works in it is said by Leases: the leader of a shard names
its namespaces in its Lease before it looks at those of the others, and works in those that no other living Lease names.
Of two that want the same namespace at least one sees the other (Dekker's rule), so two never work in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rollmodel.api.base import GROUP

__all__ = ["CLAIMED", "DEFAULT", "LABEL", "NOWHERE", "Rivals", "ShardLease", "shard_of"]

#: Label of a namespace and of a Lease: the shard.
LABEL = f"{GROUP}/shard"
#: Annotation of a Lease: the namespaces that its holder works in or waits for.
CLAIMED = f"{GROUP}/namespaces"
#: The shard of namespaces without a label.
DEFAULT = "default"
#: Stands for no namespace at all, where an empty list would mean all of them.
NOWHERE = "no-namespace-of-this-shard"


def shard_of(labels: Mapping[str, str] | None) -> str:
    """The shard of a namespace, by its labels."""
    return (labels or {}).get(LABEL) or DEFAULT


@dataclass(frozen=True, slots=True)
class ShardLease:
    """What the Lease of a shard says. ``duration`` in seconds; ``holder`` is empty where nobody has it."""

    name: str
    version: str
    holder: str
    duration: float
    namespaces: frozenset[str]

    @classmethod
    def of(cls, manifest: Mapping[str, object]) -> ShardLease:
        """Read it from the object."""
        meta, spec = dict(manifest["metadata"]), dict(manifest.get("spec") or {})  # type: ignore[call-overload]
        claimed = (meta.get("annotations") or {}).get(CLAIMED, "")
        return cls(
            meta["name"],
            meta["resourceVersion"],
            spec.get("holderIdentity") or "",
            float(spec.get("leaseDurationSeconds") or 0),
            frozenset(filter(None, claimed.split(","))),
        )


class Rivals:
    """What the Leases of the other shards hold. Times are seconds of our own clock: theirs is nobody's business."""

    def __init__(self) -> None:
        self._unchanged: dict[str, tuple[str, float]] = {}

    def held(self, leases: Iterable[ShardLease], now: float) -> frozenset[str]:
        """Namespaces that a living holder names. One whose Lease did not change for its duration is dead."""
        found: set[str] = set()
        for lease in leases:
            version, since = self._unchanged.get(lease.name, ("", now))
            if version != lease.version:
                since = now
            self._unchanged[lease.name] = lease.version, since
            if lease.holder and now - since <= lease.duration:
                found |= lease.namespaces
        return frozenset(found)
