"""The observed state of a DriftPolicy. Everything that changes at each look is a metric, not status."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, ObservedGeneration, ShortText, Timestamp
from rollmodel.api.commands import CommandStatus
from rollmodel.api.conditions import Conditions
from rollmodel.api.notify import Notifications
from rollmodel.api.schema import ATOMIC, keyed_by

__all__ = [
    "BudgetStatus",
    "DriftPolicyStatus",
    "EpisodeStatus",
    "LearntStatus",
    "ProfileStatus",
    "RetrainStatus",
    "SignalStatus",
]


class ProfileStatus(ApiModel):
    """The reference that is used."""

    revision: ShortText
    """Revision of the ModelDeployment that it belongs to."""
    digest: ShortText | None = None
    """Digest of the profile."""
    rows: Annotated[int | None, Field(ge=0, le=2**53)] = None
    """Rows that it rests on."""
    compared_with: ShortText | None = None
    """The stable revision, where a candidate is compared with it."""


class SignalStatus(ApiModel):
    """One signal in one window."""

    name: Annotated[str, Field(max_length=320)]
    """Signal and column."""
    kind: ShortText | None = None
    """Kind of the signal."""
    window_seconds: Annotated[int, Field(ge=10, le=7776000)]
    """Width of the window that shows it best."""
    verdict: Literal["Stable", "Suspected", "Drifted", "Insufficient", "Blind"]
    """What it says. `Insufficient` and `Blind` are not healthy."""
    severity: Literal["Moderate", "Severe"] | None = None
    """How large the change is."""
    samples: Annotated[int | None, Field(ge=0, le=2**53)] = None
    """Rows of the window."""
    psi: ShortText | None = None
    """Population stability index."""
    corrected_psi: ShortText | None = None
    """The same, corrected for the sample size."""
    log10_p: ShortText | None = None
    """Decimal logarithm of the p-value after correction for dependence."""
    dispersion: ShortText | None = None
    """How much more than chance its counts vary."""
    min_detectable_psi: ShortText | None = None
    """The smallest change that this window can see."""
    since: Timestamp | None = None
    """Since when the verdict holds."""
    looks: Annotated[int, Field(ge=0, le=1000)] = 0
    """Looks in a row that saw a change (`Suspected`), or saw none (`Drifted`)."""
    message: ShortText | None = None
    """What changed by how much, for people."""


class LearntStatus(ApiModel):
    """What quiet windows taught."""

    windows: Annotated[int, Field(ge=0, le=2**31)]
    """Quiet windows."""
    false_alarms: Annotated[int, Field(ge=0, le=2**31)]
    """How many of them the test calls drift at 5 %, each compared with all the others."""
    time: Timestamp
    """When it was learnt."""
    week_windows: Annotated[int | None, Field(ge=0, le=2**31)] = None
    """Steps of the first week, where its windows are not compared with their own hours."""
    week_false_alarms: Annotated[int | None, Field(ge=0, le=2**31)] = None
    """How many of these the test calls drift at 5 %, each compared with all the others."""
    dispersion: Annotated[str, Field(max_length=8192)]
    """How much more than chance the counts of each signal vary; for the operator."""


class EpisodeStatus(ApiModel):
    """The last alarm, from when it was raised until it was cleared."""

    number: Annotated[int, Field(ge=1, le=2**31)]
    """Counts the alarms of this policy."""
    start_time: Timestamp
    """When it was raised."""
    end_time: Timestamp | None = None
    """When it was cleared; omitted while it lasts."""
    trigger: ShortText
    """The signal that changed most when it was raised."""


class BudgetStatus(ApiModel):
    """The false-alarm budget of this period."""

    spent: ShortText
    """What the looks so far have used."""
    remaining: ShortText
    """What is left."""
    period_start_time: Timestamp
    """When the period began."""


class RetrainStatus(ApiModel):
    """One training that an alarm asked for."""

    episode: ShortText
    """Name of the alarm; the same alarm never starts two trainings."""
    trigger: ShortText
    """Signal that raised it."""
    revision: ShortText | None = None
    """Revision that drifted."""
    training_job: ShortText | None = None
    """TrainingJob that was created."""
    model: ShortText | None = None
    """Registered model of the target. Of all policies of a namespace one at a time trains it."""
    outcome: Literal[
        "Suggested", "AwaitingApproval", "Starting", "Running", "Promoted", "RolledBack", "Failed", "Ineffective"
    ]
    """What became of it. `Ineffective`: its model drifted again at once, or was never tried."""
    promoted_revision: ShortText | None = None
    """Revision of the ModelDeployment that its version became."""
    time: Timestamp
    """When it was asked for, or started."""
    data_since: Timestamp | None = None
    """When the window began that showed the change; the training gets it as `dataWindow.since`."""
    labelled_rows: Annotated[int | None, Field(ge=0, le=2**53)] = None
    """Labelled rows of its revision when it started, where `retrain.minNewLabelledRows` asks for them."""
    message: ShortText | None = None
    """Why."""


class DriftPolicyStatus(ApiModel):
    """The observed state."""

    observed_generation: ObservedGeneration | None = None
    """Generation of the spec that this status is about; -1 before the operator has seen the object."""
    conditions: Conditions = Field(default_factory=list)
    """Ready says whether it can evaluate, DriftDetected what it found."""
    profile: ProfileStatus | None = None
    """The reference that is used."""
    watched_since: Timestamp | None = None
    """Since when this revision is watched; earlier rows count for nothing."""
    learnt: LearntStatus | None = None
    """What quiet windows taught. Omitted while it learns."""
    episode: EpisodeStatus | None = None
    """The last alarm."""
    last_evaluation_time: Timestamp | None = None
    """When it last looked."""
    labelled_rows: Annotated[int | None, Field(ge=0, le=2**53)] = None
    """Rows of this revision with a label at the last look, where `retrain.minNewLabelledRows` asks for them."""
    signals: Annotated[list[SignalStatus], Field(max_length=20), keyed_by("name", "windowSeconds")] = Field(
        default_factory=list
    )
    """The signals that changed most, the worst first."""
    budget: BudgetStatus | None = None
    """The false-alarm budget of this period."""
    retrains: Annotated[list[RetrainStatus], Field(max_length=20), ATOMIC] = Field(default_factory=list)
    """The last trainings that were asked for."""
    last_command: CommandStatus | None = None
    """The last command that was consumed."""
    notifications: Notifications = None
    """Messages that the webhook has not taken yet; those of the last hour."""
