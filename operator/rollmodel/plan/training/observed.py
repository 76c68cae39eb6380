"""What a pass knows about one TrainingJob: gathered by ``reconcile``, read by ``plan``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.plan.decision import RunStatus
from rollmodel.plan.problem import Problem
from rollmodel.plan.timing import Timing

__all__ = [
    "Champion",
    "GateFacts",
    "MetricPoint",
    "Observed",
    "ReadSet",
    "TrackedRun",
    "TrackedVersion",
    "TrainingDefaults",
]


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """The last value of a metric; ``time`` in unix seconds. ``value`` may be NaN or infinite."""

    value: float
    step: int
    time: float


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """A run as MLflow holds it; times in unix seconds."""

    id: str
    experiment_id: str
    status: RunStatus
    started: float
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, MetricPoint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrackedVersion:
    """A registered version; ``run_id`` is the run that it came from, where the registry knows."""

    model: str
    version: str
    run_id: str | None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Champion:
    """What gates compare with: the champion's version, its metrics, and its fold or bootstrap values by metric name."""

    version: str
    metrics: Mapping[str, MetricPoint]
    histories: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the gates are evaluated on. ``champion`` None: no version carries the champion alias yet."""

    histories: Mapping[str, Sequence[float]]
    """Values of ``<metric>/fold`` and ``<metric>/bootstrap`` of our run, where they were logged and are asked for."""
    champion: Champion | Problem | None
    artifacts: frozenset[str] | Problem
    """Those of ``gates.artifacts`` that exist."""


@dataclass(frozen=True, slots=True)
class ReadSet:
    """What a pass reads beyond the object and its children: nothing, at rest."""

    owner: bool = False
    """For which namespace the model is that will be registered: before anything is made for it, or read of it."""
    run: bool = False
    """The run: by ``status.runId``, or searched for by its owner."""
    gates: bool = False
    """What gates need, once the pod succeeded."""
    version: bool = False
    """The version that was made from our run, until it is known, and where the alias points."""
    pods: bool = False
    """The pods of the current Job."""
    refusals: bool = False
    """Why it has no pods."""
    workloads: bool = False
    """Kueue's Workloads."""
    aliases: tuple[str, ...] = ()
    """Inputs by name whose ``models:/name@alias`` has to be resolved."""
    rerun_of: str | None = None
    """Search for an earlier run with this reproducibility hash."""


@dataclass(frozen=True, slots=True)
class TrainingDefaults:
    """What the operator's settings say about training runs."""

    operator_image: str
    registry_url: str | None = None
    registry_ca: str | None = None
    """Certificates of a private authority of the default registry, PEM."""
    container_messages: bool = True
    """Whether the last line that a user's container wrote is shown, without what looks like a credential."""
    registry_workspace: str | None = None
    """The workspace of the default registry (MLflow)."""
    poll_seconds: float = 30.0
    """How often the progress of an active run is read."""
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True)
class Observed:
    """What one pass read. ``children`` are live dicts: Jobs, Services, child TrainingJobs.

    What the read set does not ask for is None, as is what does not exist.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    created: datetime
    labels: Mapping[str, str]
    spec: TrainingJobSpec
    status: TrainingJobStatus
    children: Sequence[Mapping[str, Any]]
    defaults: TrainingDefaults
    now: datetime
    read_set: ReadSet = ReadSet()
    run: TrackedRun | Problem | None = None
    gates: GateFacts | None = None
    version: TrackedVersion | Problem | None = None
    alias_version: TrackedVersion | Problem | None = None
    """Where ``register.alias`` points now."""
    pods: Sequence[Mapping[str, Any]] = ()
    refusals: Sequence[str] = ()
    """Why pods of the current Job could not be created, newest first."""
    workloads: Sequence[Mapping[str, Any]] | None = None
    aliases: Mapping[str, str | Problem] = field(default_factory=dict)
    """Input name -> version number that its alias names."""
    alarm: Mapping[str, str] = field(default_factory=dict)
    """Which alarm of a DriftPolicy it answers, as tags of the run."""
    rerun_of: str | None = None
    problems: Sequence[str] = field(default_factory=tuple)
    """What the API server refused in the previous pass."""
