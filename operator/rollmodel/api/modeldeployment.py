"""ModelDeployment: serve one model, and let each new version earn its traffic."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, DecimalString, LocalRef, ObjectName
from rollmodel.api.conditions import Condition

__all__ = [
    "Analysis",
    "ArmStatus",
    "CommandStatus",
    "CountsQuery",
    "EvidenceStatus",
    "HistoryEntry",
    "Metric",
    "MetricPreset",
    "ModelDeploymentSpec",
    "ModelDeploymentStatus",
    "ModelSource",
    "OnBlind",
    "OnFailure",
    "OnUndecided",
    "ParentRef",
    "RegistrySource",
    "RejectedRevision",
    "Rollout",
    "Runtime",
    "RuntimePreset",
    "Scale",
    "Step",
    "Tolerance",
    "Traffic",
    "ValueQuery",
]


class RegistrySource(ApiModel):
    """A registered model: either the version that ``alias`` points to, or one fixed ``version``."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    alias: Annotated[str | None, Field(max_length=255, pattern=r"^[A-Za-z0-9_-]+$")] = None
    version: Annotated[str | None, Field(max_length=10, pattern=r"^[1-9][0-9]*$")] = None
    champion_alias: Annotated[str | None, Field(max_length=255, pattern=r"^[A-Za-z0-9_-]+$")] = None
    """Alias that the operator moves to a version when it is promoted."""


class ModelSource(ApiModel):
    """Where the model comes from: exactly one of ``registry`` and ``uri``."""

    registry: RegistrySource | None = None
    uri: Annotated[str | None, Field(max_length=2048)] = None
    digest: Annotated[str | None, Field(max_length=71, pattern=r"^sha256:[0-9a-f]{64}$")] = None
    """Digest of the files behind ``uri`` (``rollmodel digest PATH`` prints it). Required with ``uri``."""
    connection_ref: LocalRef | None = None
    """Secret of this namespace with ``url`` and optionally ``username``, ``password``, ``token``; default: the operator's registry."""


class RuntimePreset(StrEnum):
    """Model servers that we know how to start, probe and measure."""

    MLFLOW = "MLflow"
    MLSERVER = "MLServer"
    TRITON = "Triton"
    VLLM = "VLLM"
    KSERVE = "KServe"
    CUSTOM = "Custom"


class EnvVar(ApiModel):
    """An environment variable of the model server: a literal, or a key of a Secret or ConfigMap of this namespace."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    value: Annotated[str | None, Field(max_length=4096)] = None
    value_from: Annotated[dict[str, Any] | None, Field()] = None


class ResourceRequirements(ApiModel):
    """Container resources: Kubernetes quantities by resource name."""

    requests: Annotated[dict[str, str] | None, Field(max_length=16)] = None
    limits: Annotated[dict[str, str] | None, Field(max_length=16)] = None


class Runtime(ApiModel):
    """How the model is served. ``preset`` gives defaults; what is written here wins."""

    preset: RuntimePreset = RuntimePreset.MLFLOW
    image: Annotated[str | None, Field(min_length=1, max_length=512)] = None
    command: Annotated[list[Annotated[str, Field(max_length=4096)]] | None, Field(max_length=64)] = None
    args: Annotated[list[Annotated[str, Field(max_length=4096)]] | None, Field(max_length=64)] = None
    env: Annotated[list[EnvVar] | None, Field(max_length=64)] = None
    port: Annotated[int | None, Field(ge=1, le=65535)] = None
    readiness_path: Annotated[str | None, Field(max_length=256, pattern=r"^/")] = None
    resources: ResourceRequirements | None = None
    workers: Annotated[int | None, Field(ge=1, le=64)] = None
    service_account_name: ObjectName | None = None
    image_pull_secrets: Annotated[list[LocalRef] | None, Field(max_length=8)] = None
    node_selector: Annotated[dict[str, str] | None, Field(max_length=32)] = None


class Scale(ApiModel):
    """How many pods serve the model."""

    replicas: Annotated[int, Field(ge=0, le=1000)] = 1


class ParentRef(ApiModel):
    """A Gateway that the HTTPRoute attaches to. The Gateway's ``allowedRoutes`` decides about other namespaces."""

    name: ObjectName
    namespace: ObjectName | None = None
    section_name: Annotated[str | None, Field(max_length=253)] = None


class Traffic(ApiModel):
    """Routing by Gateway API. Omitted: traffic is split by the ratio of replicas behind one Service."""

    parent_refs: Annotated[list[ParentRef], Field(min_length=1, max_length=8)]
    hostnames: Annotated[list[Annotated[str, Field(max_length=253)]] | None, Field(max_length=16)] = None
    path_prefix: Annotated[str, Field(max_length=1024, pattern=r"^/")] = "/"
    request_timeout_seconds: Annotated[int | None, Field(ge=1, le=3600)] = None


class Step(ApiModel):
    """One step of a canary: exactly one of ``weight`` and ``pause``."""

    weight: Annotated[int | None, Field(ge=1, le=99)] = None
    pause: Literal["Manual"] | None = None
    min_seconds: Annotated[int | None, Field(ge=0, le=604800)] = None
    """Shortest time at this weight, also when the candidate is proven safe earlier."""
    max_seconds: Annotated[int | None, Field(ge=1, le=2592000)] = None
    """Time budget of this step; then ``onUndecided`` decides."""
    min_requests: Annotated[int | None, Field(ge=0, le=1_000_000_000)] = None


class OnFailure(StrEnum):
    """What happens when the candidate is proven harmful."""

    ROLL_BACK = "RollBack"
    PAUSE = "Pause"


class OnUndecided(StrEnum):
    """What an undecided step does at the end of its time budget."""

    PAUSE = "Pause"
    ROLL_BACK = "RollBack"
    PROMOTE = "Promote"
    """Advance, provided the upper limit of the ratio's interval is below the safe margin."""


class OnBlind(StrEnum):
    """What happens when no evidence arrives for ``maxBlindSeconds``."""

    HOLD = "Hold"
    ROLL_BACK = "RollBack"


class Rollout(ApiModel):
    """How a candidate gets its traffic."""

    strategy: Literal["Canary"] = "Canary"
    steps: Annotated[list[Step], Field(min_length=1, max_length=20)] = [
        Step(weight=5),
        Step(weight=25),
        Step(weight=50),
    ]
    warm_up_seconds: Annotated[int, Field(ge=0, le=86400)] = 30
    """Time after all candidate pods are ready before the first weight is given and counted."""
    deadline_seconds: Annotated[int, Field(ge=10, le=604800)] = 600
    """A candidate whose pods are not ready by then is rolled back."""
    drain_seconds: Annotated[int, Field(ge=0, le=86400)] = 30
    """Time between weight 0 observed and the removal of pods."""
    on_failure: OnFailure = OnFailure.ROLL_BACK
    on_undecided: OnUndecided = OnUndecided.PAUSE
    on_blind: OnBlind = OnBlind.HOLD
    max_blind_seconds: Annotated[int, Field(ge=30, le=604800)] = 900


class Tolerance(ApiModel):
    """How much worse than stable still counts as "not worse": canary <= ratio * stable + absolute."""

    ratio: DecimalString | None = None
    absolute: DecimalString | None = None


class CountsQuery(ApiModel):
    """Two PromQL expressions that give monotonic counters per pod."""

    bad: Annotated[str, Field(min_length=1, max_length=4096)]
    total: Annotated[str, Field(min_length=1, max_length=4096)]


class ValueQuery(ApiModel):
    """A plain threshold on one number, as other tools have it: pass, fail or inconclusive."""

    query: Annotated[str, Field(min_length=1, max_length=4096)]
    max: DecimalString | None = None
    min: DecimalString | None = None
    failure_limit: Annotated[int, Field(ge=0, le=1000)] = 2
    """How many failed evaluations are tolerated before the candidate is rolled back."""


class MetricPreset(StrEnum):
    """Metrics whose queries the runtime preset knows."""

    ERRORS = "Errors"
    SLOW_REQUESTS = "SlowRequests"
    LATENCY = "Latency"


class Metric(ApiModel):
    """One thing to judge a candidate by: exactly one of ``preset``, ``counts``, ``value``."""

    name: ObjectName
    preset: MetricPreset | None = None
    counts: CountsQuery | None = None
    value: ValueQuery | None = None
    tolerance: Tolerance | None = None
    safe_tolerance: Tolerance | None = None
    """The margin below which a candidate counts as proven safe; wider than ``tolerance``."""
    ceiling: DecimalString | None = None
    """Absolute limit of the bad fraction, whatever stable does."""
    slower_than_seconds: DecimalString | None = None
    """For ``SlowRequests``: a request is bad when it took longer. Should be a bucket edge."""


class Analysis(ApiModel):
    """How a candidate is judged. See docs/concepts/evidence.md."""

    false_rollback_risk: DecimalString = "0.01"
    """Chance that a healthy version is rolled back, over the whole rollout and all metrics."""
    false_promotion_risk: DecimalString = "0.05"
    """Chance that a version worse than the safe margin is called proven safe."""
    interval_seconds: Annotated[int, Field(ge=1, le=3600)] = 10
    metrics: Annotated[list[Metric], Field(max_length=20)] = [
        Metric(name="errors", preset=MetricPreset.ERRORS),
        Metric(name="latency", preset=MetricPreset.LATENCY),
    ]


class ModelDeploymentSpec(ApiModel):
    """The desired state. The operator never writes it."""

    model: ModelSource
    runtime: Runtime = Runtime()
    scale: Scale = Scale()
    traffic: Traffic | None = None
    rollout: Rollout = Rollout()
    analysis: Analysis = Analysis()


class ArmStatus(ApiModel):
    """One revision as it is observed now."""

    revision: str
    model_version: str | None = None
    digest: str | None = None
    weight: int = 0
    """Observed share of traffic in percent, never a wished one."""
    weight_since: str | None = None
    """When this weight was first observed (RFC 3339)."""
    requests: int = 0
    """Requests of the candidate that were judged in the current step."""
    replicas: int = 0
    ready_replicas: int = 0
    step: int | None = None
    """Index of the current step (candidate only); -1 while starting and warming up, len(steps) while promoting."""
    since: str | None = None
    """When the current step began (RFC 3339)."""
    started: str | None = None
    ready_since: str | None = None
    retiring: Literal["Promoted", "RolledBack", "Superseded"] | None = None
    """Set once the verdict fell: the revision loses its weight, then its pods."""
    reason: str | None = None


class EvidenceStatus(ApiModel):
    """What one metric says, in one line for ``kubectl describe``."""

    metric: str
    verdict: Literal["Harmful", "ProvenSafe", "Undecided", "NoData", "Breached", "Passing"]
    e_value: str | None = None
    ratio: str | None = None
    """Ratio of rates with its interval, e.g. ``"1.8 (1.1 .. 3.0)"``."""
    samples: str | None = None
    """E.g. ``"12/4100 candidate, 40/78000 stable"``."""
    until_decision: str | None = None
    message: str | None = None


class RejectedRevision(ApiModel):
    """A revision that lost; it is not tried again until something new is said or a retry is asked for."""

    revision: str
    model_version: str | None = None
    reason: str
    message: str
    time: str


class HistoryEntry(ApiModel):
    """One decision that fell."""

    time: str
    verdict: Literal["Installed", "Promoted", "RolledBack", "Superseded", "Aborted"]
    from_revision: str | None = None
    to_revision: str
    from_version: str | None = None
    to_version: str | None = None
    reason: str
    evidence: str | None = None
    by: str | None = None
    """Who decided: ``evidence``, ``deadline``, or the field manager that wrote the command."""


class CommandStatus(ApiModel):
    """The last command annotation that was consumed."""

    text: str
    result: Literal["Done", "Ignored"]
    message: str | None = None
    by: str | None = None
    time: str


class ModelDeploymentStatus(ApiModel):
    """The observed state."""

    observed_generation: int | None = None
    conditions: list[Condition] = []
    stable: ArmStatus | None = None
    candidate: ArmStatus | None = None
    retiring: list[ArmStatus] = []
    """Revisions that lost their claim and are being drained."""
    replicas: int = 0
    selector: str | None = None
    """Serialised label selector of the serving pods, for the scale subresource."""
    evidence: list[EvidenceStatus] = []
    judge: str | None = None
    """State of the evidence engine; opaque, versioned, of constant size."""
    rejected: RejectedRevision | None = None
    paused: str | None = None
    """Why the rollout is paused, if it is."""
    history: list[HistoryEntry] = []
    last_command: CommandStatus | None = None
    outbox: list[dict[str, Any]] = []
    """Registry writes that are still to be carried out."""
