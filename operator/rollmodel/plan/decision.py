"""What a pass decided: the new status and effects, which are data. ``reconcile.execute`` carries them out.

The status is written first, so it holds the intention (which step) and *observed* facts (weights, ready replicas),
never facts that the effects have yet to bring about. A new effect is one class here and one handler in
``reconcile/effects``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

__all__ = [
    "ApplyObject",
    "CreateRun",
    "CreateVersion",
    "DatasetInput",
    "Decision",
    "DeleteObject",
    "Effect",
    "EmitEvent",
    "Event",
    "LogRun",
    "Notify",
    "Reading",
    "Ref",
    "RunStatus",
    "SetBackends",
    "SetRunStatus",
    "TrackingWrite",
    "WriteRegistry",
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
class ApplyObject:
    """Apply a full manifest, server-side. Decide it only where the live object differs.

    ``needs`` are objects without which this one makes no sense: where one of them failed to be applied just now, this
    one is left for a later pass.
    """

    manifest: Mapping[str, Any]
    needs: frozenset[Ref] = frozenset()


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Delete one object, only while it still has this UID."""

    ref: Ref
    uid: str


@dataclass(frozen=True, slots=True)
class SetBackends:
    """Replace the backends of one rule of an HTTPRoute that is not ours, if it still has this resourceVersion.

    ``index`` is the place of the rule, ``rule`` its name there.
    """

    ref: Ref
    resource_version: str
    index: int
    rule: str
    backends: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event to post once: decisions emit it on a transition, never on every pass."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Post this Event about the object; where it tells that the child ``repairs`` is put right, only if it was."""

    event: Event
    repairs: Ref | None = None


@dataclass(frozen=True, slots=True)
class WriteRegistry:
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


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the webhook that a Secret of the object's namespace names. ``key`` is in ``status.notifications``.

    ``event`` is a CloudEvent, or a line for a chat; ``age`` is how long it has waited, in seconds. The key says whether
    two are the same.
    """

    key: str
    secret: str
    event: Mapping[str, Any] = field(compare=False)
    age: float = field(default=0.0, compare=False)


TrackingWrite = CreateRun | LogRun | SetRunStatus | CreateVersion

Effect = ApplyObject | SetBackends | DeleteObject | EmitEvent | WriteRegistry | TrackingWrite | Notify

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Reading:
    """A number for the operator's own metrics that is too short-lived for the status.

    ``metric`` is its name there, ``label`` what tells it from others of the same object: a signal, a window.
    """

    metric: str
    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of a pass.

    ``status`` is the whole new status (JSON-able, camelCase); equal to the old one means no write. ``effects`` of one
    kind are carried out in this order; which kind comes first is fixed, see ``reconcile.execute``.
    ``requeue_after`` is in seconds; None means: only an event or the resync wakes this object again.
    ``sample_age``: how old the newest sample was that metrics gave, in seconds; None where none was asked for.
    ``readings`` replace those of before; None leaves them.
    """

    status: Mapping[str, Any]
    effects: tuple[Effect, ...] = ()
    requeue_after: float | None = None
    sample_age: float | None = None
    readings: tuple[Reading, ...] | None = None

    def of(self, kind: type[E]) -> tuple[E, ...]:
        """The effects of one class, in order."""
        return tuple(effect for effect in self.effects if isinstance(effect, kind))

    @property
    def repairs(self) -> frozenset[Ref]:
        """Children that somebody else changed and that are put right."""
        return frozenset(effect.repairs for effect in self.of(EmitEvent) if effect.repairs is not None)
