"""The observed state of a ModelDeployment."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, Message, ObservedGeneration, Percent, ShortText, Timestamp
from rollmodel.api.commands import CommandStatus
from rollmodel.api.conditions import Conditions
from rollmodel.api.notify import Notifications
from rollmodel.api.schema import ATOMIC, OPAQUE, keyed_by

__all__ = [
    "ArmStatus",
    "EvidenceStatus",
    "HeldSize",
    "HistoryEntry",
    "ModelDeploymentStatus",
    "RecordStatus",
    "RejectedRevision",
    "RoutedRule",
]

#: How many revisions can be drained at once and be told of.
MOST_RETIRING = 64
#: Records of revisions: of those in use, and a few that may be brought back.
MOST_RECORDS = 80

_Replicas = Annotated[int, Field(ge=0, le=2_147_483_647)]


class ArmStatus(ApiModel):
    """One revision as it is observed now."""

    revision: ShortText
    """Hash of everything that changes what users get."""
    model_version: ShortText | None = None
    """Version of the model in the registry."""
    digest: ShortText | None = None
    """Digest of the model's files."""
    weight: Percent = 0
    """Observed share of traffic in percent, never a wished one."""
    weight_since: Timestamp | None = None
    """When this weight was first observed."""
    requests: Annotated[int, Field(ge=0, le=2**53)] = 0
    """Requests of the candidate that were judged in the current step."""
    replicas: _Replicas = 0
    """Pods that exist."""
    ready_replicas: _Replicas = 0
    """Pods that can answer."""
    step: Annotated[int | None, Field(ge=-1, le=20)] = None
    """Index of the current step (candidate only); -1 while starting and warming up, len(steps) while promoting."""
    since: Timestamp | None = None
    """When the current step began."""
    started: Timestamp | None = None
    """When the revision was first seen."""
    ready_since: Timestamp | None = None
    """Since when all its pods have been ready."""
    retiring: Literal["Promoted", "RolledBack", "Superseded"] | None = None
    """Set once the verdict fell: the revision loses its weight, then its pods."""
    reason: Message | None = None
    """Why it is retiring, or why it cannot go on."""
    silent_since: Timestamp | None = None
    """Since when it has counted no request, although it has traffic and the stable revision counts (candidate only)."""
    stable_requests: Annotated[int | None, Field(ge=0, le=2**53)] = None
    """Requests that the stable revision has counted since `silentSince`."""
    config_maps: Annotated[dict[ShortText, ShortText] | None, Field(max_length=16)] = None
    """Hashes of the ConfigMaps that its pods read, from when the first pod started."""
    secrets: Annotated[dict[ShortText, ShortText] | None, Field(max_length=16)] = None
    """The same for Secrets that the operator may read: their `resourceVersion`, and nothing of what they hold."""


class EvidenceStatus(ApiModel):
    """What one metric says, in one line for ``kubectl describe``."""

    metric: ShortText
    """Name of the metric."""
    verdict: Literal["Harmful", "ProvenSafe", "Undecided", "NoData", "Breached", "Passing"]
    """What it says about the candidate."""
    e_value: ShortText | None = None
    """Evidence of harm: 1 is none, and 100 is a chance of 1 in 100 at most that a healthy version gets there."""
    ratio: ShortText | None = None
    """Ratio of rates with its interval, e.g. `1.8 (1.1 .. 3.0)`."""
    samples: ShortText | None = None
    """What it rests on, e.g. `12/4100 candidate, 40/78000 stable`."""
    until_decision: ShortText | None = None
    """Estimate of the time until it can say more."""
    message: Message | None = None
    """What is wrong with the data, if anything is."""


class RejectedRevision(ApiModel):
    """A revision that lost; it is not tried again until something new is said or a retry is asked for."""

    revision: ShortText
    """The revision."""
    model_version: ShortText | None = None
    """Its model version."""
    reason: ShortText
    """Why it lost, in one word."""
    message: Message
    """Why it lost."""
    time: Timestamp
    """When it lost."""
    retry_at: Timestamp | None = None
    """When it is tried again by itself: what stopped it was not the model. Absent where a person has to say so."""


class HeldSize(ApiModel):
    """The number of pods that take all traffic, while `scale.replicas` asks for fewer and is not believed yet."""

    replicas: _Replicas
    """Pods that are kept."""
    until: Timestamp | None = None
    """When fewer are kept; absent while a rollout goes on."""
    asked: _Replicas | None = None
    """What `scale.replicas` was when the number began to go down; another value is believed at once."""


class RoutedRule(ApiModel):
    """A rule of somebody else's HTTPRoute, while its backends are ours."""

    route: ShortText
    """Name of the HTTPRoute."""
    rule: ShortText
    """Name of the rule."""
    original: Annotated[list[Annotated[dict[str, Any], OPAQUE]], Field(max_length=16), ATOMIC]
    """Its backends before: they are put back after the rollout, and when the ModelDeployment is deleted."""
    in_force: ShortText | None = None
    """Hash of the backends that we wrote and have seen there."""
    repairs: Annotated[int, Field(ge=0, le=2**31)] = 0
    """How often somebody else has changed them, and they were put right."""
    repaired_at: Timestamp | None = None
    """When that was the last time."""


class HistoryEntry(ApiModel):
    """One decision that fell."""

    time: Timestamp
    """When it fell."""
    verdict: Literal["Installed", "Promoted", "RolledBack", "Superseded", "Aborted"]
    """What was decided."""
    from_revision: ShortText | None = None
    """The revision that was stable before."""
    to_revision: ShortText
    """The revision that it was about."""
    from_version: ShortText | None = None
    """Model version of `fromRevision`."""
    to_version: ShortText | None = None
    """Model version of `toRevision`."""
    reason: Message
    """Why."""
    cause: ShortText | None = None
    """Why, in one word for programs, e.g. `CrashLoop` or `Harmful`."""
    evidence: Message | None = None
    """The evidence when it fell."""
    baseline: ShortText | None = None
    """Revision of the fresh pods of `fromRevision` that it was compared with, if it was."""
    begun: Timestamp | None = None
    """When judging began, if it was judged: from then to `time` its metrics can be read again."""
    attempts: Annotated[int | None, Field(ge=2, le=2**31)] = None
    """How often this has happened, one after the other, where it was tried again by itself."""
    by: ShortText | None = None
    """Who decided: `evidence`, `deadline`, or the field manager that wrote the command."""


class RecordStatus(ApiModel):
    """What the record of a revision says, as a hash: a record that says something else is not believed."""

    revision: ShortText
    """The revision."""
    hash: ShortText
    """SHA-256 of the `data` of its ControllerRevision."""


class ModelDeploymentStatus(ApiModel):
    """The observed state."""

    observed_generation: ObservedGeneration | None = None
    """Generation of the spec that this status is about; -1 before the operator has seen the object."""
    conditions: Conditions = Field(default_factory=list)
    """Ready sums up; Reconciling and Stalled say whether it is being worked on or needs a person."""
    stable: ArmStatus | None = None
    """The revision that has earned its traffic."""
    candidate: ArmStatus | None = None
    """The revision that is being tried."""
    baseline: ArmStatus | None = None
    """Fresh pods of the stable revision, which the candidate is compared with; only with `rollout.baseline: Fresh`."""
    retiring: Annotated[list[ArmStatus], Field(max_length=MOST_RETIRING), ATOMIC] = Field(default_factory=list)
    """Revisions that lost their claim and are being drained."""
    replicas: _Replicas = 0
    """Pods of all revisions that may have traffic, which an autoscaler sees."""
    selector: Annotated[str | None, Field(max_length=1024)] = None
    """Serialised label selector of these pods, for the scale subresource."""
    routed_rule: RoutedRule | None = None
    """Set while the backends of the rule that `traffic.routeRef` names are ours."""
    held_size: HeldSize | None = None
    """Set while more pods are kept than `scale.replicas` asks for: during a rollout and soon after."""
    evidence: Annotated[list[EvidenceStatus], Field(max_length=32), keyed_by("metric")] = Field(default_factory=list)
    """What each metric says now."""
    judge: Annotated[str | None, Field(max_length=131072)] = None
    """State of the evidence engine; opaque, versioned, packed, of constant size: `rollmodel explain` reads it."""
    rejected: RejectedRevision | None = None
    """The revision that lost last, until something new is said."""
    paused: Message | None = None
    """Why the rollout is paused, if it is."""
    history: Annotated[list[HistoryEntry], Field(max_length=20), ATOMIC] = Field(default_factory=list)
    """The last decisions."""
    last_command: CommandStatus | None = None
    """The last command that was consumed."""
    refreshed: ShortText | None = None
    """The last text of the annotation `rollmodel.dev/refresh` since which the registry was read."""
    records: Annotated[list[RecordStatus] | None, Field(max_length=MOST_RECORDS), keyed_by("revision")] = None
    """The records of revisions that are believed; absent until this release has looked at them."""
    outbox: Annotated[list[Annotated[dict[str, Any], OPAQUE]], Field(max_length=64), ATOMIC] = Field(
        default_factory=list
    )
    """Registry writes that are still to be carried out."""
    notifications: Notifications = None
    """Messages that the webhook has not taken yet; those of the last hour."""
