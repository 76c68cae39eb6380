"""The desired state of a TrainingJob."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, ObjectName, Suspend
from rollmodel.api.notify import Notify
from rollmodel.api.schema import Rule, keyed_by
from rollmodel.api.trainingjob.gates import Gates, Register
from rollmodel.api.trainingjob.running import Budget, Checkpoint, Retry, Schedule
from rollmodel.api.trainingjob.subject import DataWindow, Parameter, Source, Tracking, TrainingInput
from rollmodel.api.trainingjob.template import DataValidation, TrainingTemplate

__all__ = ["TrainingJobSpec"]


def _unchanged(name: str) -> str:
    return f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || self.{name} == oldSelf.{name})"


_SUBJECT = ("template", "nodes", "source", "inputs", "parameters", "dataWindow", "seed")


class TrainingJobSpec(ApiModel):
    """The desired state. The operator never writes it."""

    rules = (
        Rule(
            f"has(oldSelf.schedule) || ({' && '.join(_unchanged(name) for name in _SUBJECT)})",
            "must not change `template`, `nodes`, `source`, `inputs`, `parameters`, `dataWindow` or `seed` of a run:"
            " create another TrainingJob, so that the record of this one stays true",
        ),
        Rule(
            "has(self.schedule) == has(oldSelf.schedule)",
            "must not gain or lose `schedule`: create another TrainingJob",
        ),
        Rule(
            "!has(self.gates) || !has(self.gates.metrics) || has(self.register)"
            " || !self.gates.metrics.exists(gate, has(gate.noWorseThanChampionBy))",
            "must have `register` for a gate with `noWorseThanChampionBy`: its `championAlias` names the champion",
        ),
    )

    template: TrainingTemplate
    """The container that trains, and what its pods ask of the cluster."""
    nodes: Annotated[int, Field(ge=1, le=1024)] = 1
    """Pods that train together; above 1 they get rank, world size and a rendezvous address."""
    source: Source | None = None
    """The code in the image, for the record."""
    inputs: Annotated[list[TrainingInput] | None, Field(max_length=32), keyed_by("name")] = None
    """Data that the run reads."""
    parameters: Annotated[list[Parameter] | None, Field(max_length=200), keyed_by("name")] = None
    """Parameters of the training."""
    data_window: DataWindow | None = None
    """Which data to learn from, by time. A DriftPolicy sets it in the trainings that it starts."""
    seed: Annotated[int | None, Field(ge=0, le=2**32 - 1)] = None
    """Seed for all random numbers."""
    tracking: Tracking = Tracking()
    """Where the run is tracked."""
    data_validation: DataValidation | None = None
    """A container that runs first and may stop the run."""
    gates: Gates | None = None
    """What must hold before the model is registered."""
    registration: Annotated[Register | None, Field(alias="register")] = None
    """The version that is created when all gates hold. Omitted: nothing is registered."""
    schedule: Schedule | None = None
    """Runs at fixed times. Omitted: one run, now."""
    retry: Retry = Retry()
    """How often a run is tried again."""
    deadline_seconds: Annotated[int | None, Field(ge=1, le=2592000)] = None
    """Time for the whole run, from its first pod on, over all attempts. Default: no limit."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31536000)] = 86400
    """How long Jobs and pods of a finished run are kept. The TrainingJob and its status stay."""
    suspend: Suspend | None = None
    """`Suspended` starts nothing new and suspends the Job; omitted: the run goes on."""
    queue_name: ObjectName | None = None
    """Kueue LocalQueue that decides when the run starts."""
    spot: Literal["Prefer", "Require", "Never"] = "Never"
    """Whether to use nodes that may be taken away."""
    checkpoint: Checkpoint | None = None
    """Where an attempt leaves its state for the next."""
    budget: Budget | None = None
    """What one run may use at most."""
    notify: Notify | None = None
    """Who is told, beside Event, metric and condition."""
