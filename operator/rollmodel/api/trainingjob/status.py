"""The observed state of a TrainingJob."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, Message, ObservedGeneration, ShortText, Timestamp
from rollmodel.api.conditions import Conditions
from rollmodel.api.notify import Notifications
from rollmodel.api.schema import SET, keyed_by
from rollmodel.api.trainingjob.gates import GateCheck

__all__ = [
    "Attempts",
    "Claim",
    "GateStatus",
    "InputStatus",
    "MetricValue",
    "Progress",
    "QueueStatus",
    "Reproducibility",
    "ScheduleStatus",
    "TrainingJobStatus",
]

_Count = Annotated[int, Field(ge=0, le=2_147_483_647)]


class InputStatus(ApiModel):
    """An input as it was resolved, once."""

    name: ShortText
    """Name of the input."""
    uri: Annotated[str, Field(max_length=2048)]
    """Address of the data."""
    version: ShortText | None = None
    """Version that was read."""
    digest: ShortText | None = None
    """Digest of the content."""


class Claim(ApiModel):
    """Somebody is creating this right now: others wait until the claim is old, and then look first."""

    what: Literal["Run", "Version"]
    """What is being created in MLflow."""
    since: Timestamp
    """When it was claimed."""


class Attempts(ApiModel):
    """How often the run was tried. Jobs are deleted after their time to live; these counts stay."""

    started: _Count = 0
    """Jobs that were created."""
    failures: _Count = 0
    """Attempts that failed by their own fault."""
    disruptions: _Count = 0
    """Attempts that the cluster ended."""
    last_failure: Message | None = None
    """Why the last attempt that ended without success did so."""
    last_end_time: Timestamp | None = None
    """When that was."""
    gpu_seconds: _Count | None = None
    """GPUs times seconds, over all attempts that ended."""


class GateStatus(ApiModel):
    """One gate: what was asked, what was seen, and whether it held."""

    name: Annotated[str, Field(max_length=512)]
    """Metric or artifact."""
    check: GateCheck
    """What is checked."""
    asked: ShortText | None = None
    """The bound."""
    seen: ShortText | None = None
    """The value, with its interval where there is one."""
    verdict: Literal["Passed", "Failed", "NotEvaluated"]
    """Whether it held. `NotEvaluated` counts as failed."""
    message: Message | None = None
    """Why."""


class Reproducibility(ApiModel):
    """What the result depends on. Two runs with the same hash are reruns of each other."""

    hash: ShortText
    """Hash of everything below, the command and the arguments."""
    image_digest: ShortText | None = None
    """Digest of the image that ran."""
    git_commit: ShortText | None = None
    """Commit of the code."""
    seed: Annotated[int | None, Field(ge=0, le=2**32 - 1)] = None
    """Seed."""
    parameters_hash: ShortText | None = None
    """Hash of the parameters."""
    inputs_digest: ShortText | None = None
    """Digest over all inputs."""
    rerun_of: ShortText | None = None
    """Earlier run with the same hash."""


class MetricValue(ApiModel):
    """The last value of a logged metric."""

    name: ShortText
    """Name of the metric."""
    value: ShortText
    """Its value, as text."""


class Progress(ApiModel):
    """How far the run is, as it logged it."""

    step: Annotated[int | None, Field(ge=0, le=2**53)] = None
    """Step of the last logged metric."""
    metrics: Annotated[list[MetricValue], Field(max_length=20), keyed_by("name")] = Field(default_factory=list)
    """Last values."""
    estimated_completion_time: Timestamp | None = None
    """When it will be done, at this pace."""


class QueueStatus(ApiModel):
    """What Kueue says about the run."""

    position: _Count | None = None
    """Runs before it in the queue."""
    reason: ShortText | None = None
    """Why it waits, in one word."""
    message: Message | None = None
    """Why it waits."""


class ScheduleStatus(ApiModel):
    """Runs that the schedule started."""

    last_schedule_time: Timestamp | None = None
    """When the last run was due, whether it started or was skipped. Never moves back."""
    last_successful_time: Timestamp | None = None
    """When the last successful run ended."""
    next_schedule_time: Timestamp | None = None
    """When the next run is due."""
    starting: ShortText | None = None
    """Name of the run that is being created."""
    active: Annotated[list[ShortText], Field(max_length=100), SET] = Field(default_factory=list)
    """Names of the runs that have not ended."""


class TrainingJobStatus(ApiModel):
    """The observed state."""

    observed_generation: ObservedGeneration | None = None
    """Generation of the spec that this status is about; -1 before the operator has seen the object."""
    conditions: Conditions = Field(default_factory=list)
    """Succeeded sums up and never changes once True or False; Reconciling and Stalled are for tools."""
    start_time: Timestamp | None = None
    """When the first pod was created."""
    completion_time: Timestamp | None = None
    """When the run ended."""
    attempts: Attempts | None = None
    """How often the run was tried."""
    job_name: ShortText | None = None
    """Job of the current or last attempt."""
    experiment_id: ShortText | None = None
    """Experiment in the tracking server."""
    run_id: ShortText | None = None
    """Run in the tracking server."""
    run_status: ShortText | None = None
    """Its state there, as it was last seen."""
    claim: Claim | None = None
    """What is being created in MLflow right now."""
    tracking_wait_start_time: Timestamp | None = None
    """Since when the next step waits for the tracking server."""
    inputs: Annotated[list[InputStatus], Field(max_length=32), keyed_by("name")] = Field(default_factory=list)
    """Inputs as they were resolved."""
    reproducibility: Reproducibility | None = None
    """What the result depends on."""
    gates: Annotated[list[GateStatus], Field(max_length=200), keyed_by("name", "check")] = Field(default_factory=list)
    """Every gate's result."""
    model_version: ShortText | None = None
    """Version that was registered."""
    progress: Progress | None = None
    """How far the run is."""
    queue: QueueStatus | None = None
    """What Kueue says about the run."""
    schedule: ScheduleStatus | None = None
    """Runs that the schedule started."""
    notifications: Notifications = None
    """Messages that the webhook has not taken yet; those of the last hour."""
