"""What a pass decided: data, to be carried out by ``reconcile.execute``.

The order of acting is fixed: status first, guarded by the resourceVersion that was read (the fence: of two operators
only one wins, the other reads again), then applies, deletes, Events, registry writes, tracking writes. Status therefore
holds the intention of the machine (which step) and *observed* facts (weights, ready replicas), never wished facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "CreateRun",
    "CreateVersion",
    "DatasetInput",
    "Decision",
    "Delete",
    "Event",
    "LogRun",
    "Ref",
    "RegistryWrite",
    "RunStatus",
    "SetRunStatus",
    "TrackingWrite",
]

#: The states of a run in MLflow.
RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]


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
class CreateRun:
    """Create a run in this experiment (by name; created if absent). Guarded by a claim in status: see ADR 4."""

    experiment: str
    name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """An input as MLflow records it: name, version or digest, and where it came from."""

    name: str
    digest: str
    uri: str


@dataclass(frozen=True, slots=True)
class LogRun:
    """Log these to a run. Idempotent. ``tags`` are written last: their presence says that all the rest is there."""

    run_id: str
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[DatasetInput, ...] = ()


@dataclass(frozen=True, slots=True)
class SetRunStatus:
    """Set the state of a run; a final state also sets its end time."""

    run_id: str
    status: RunStatus


@dataclass(frozen=True, slots=True)
class CreateVersion:
    """Create a version of ``model`` (created if absent) from what the run logged at ``artifact_path``.

    Guarded by a claim in status.
    """

    model: str
    run_id: str
    artifact_path: str
    tags: Mapping[str, str]


TrackingWrite = CreateRun | LogRun | SetRunStatus | CreateVersion


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
    tracking: tuple[TrackingWrite, ...] = ()
    requeue_after: float | None = None
