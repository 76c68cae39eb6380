"""What a pass decided: data, to be carried out by ``reconcile.execute``.

The order of acting is fixed: status first, guarded by the resourceVersion that was read (the fence: of two operators
only one wins, the other reads again), then applies, deletes, Events, registry writes. Status therefore holds the
intention of the machine (which step) and *observed* facts (weights, ready replicas), never wished facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Decision", "Delete", "Event", "Ref", "RegistryWrite"]


@dataclass(frozen=True, slots=True)
class Ref:
    """The address of an object in the cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Ref:
        """The address of this object."""
        meta = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], meta["namespace"], meta["name"])


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete one object, only while it still has this UID."""

    ref: Ref
    uid: str


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event to post once: decisions emit it on a transition, never on every pass."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class RegistryWrite:
    """Tell the registry: move ``alias`` to ``version`` and/or set ``tags`` on it. Idempotent, at least once.

    ``key`` names the write in the status outbox (``status.outbox``), which forgets it once it was carried out.
    """

    key: str
    model: str
    version: str
    alias: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of a pass.

    ``status`` is the whole new status (JSON-able, camelCase); equal to the old one means no write.
    ``apply`` are full manifests in order; those equal to the live object were already left out.
    ``requeue_after`` is in seconds; None means: only an event or the resync wakes this object again.
    """

    status: Mapping[str, Any]
    apply: tuple[Mapping[str, Any], ...] = ()
    delete: tuple[Delete, ...] = ()
    events: tuple[Event, ...] = ()
    registry: tuple[RegistryWrite, ...] = ()
    requeue_after: float | None = None
