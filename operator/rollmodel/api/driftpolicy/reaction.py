"""What an alarm leads to, and what must not raise one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, LocalRef
from rollmodel.api.driftpolicy.signals import SignalKind
from rollmodel.api.schema import SET, Rule

__all__ = ["HoldOff", "Retrain"]

_Kinds = Annotated[list[SignalKind], Field(max_length=5), SET]


class HoldOff(ApiModel):
    """Times after a change of ours in which differences are expected. A new pod is no change: rows are counted."""

    after_rollout_seconds: Annotated[int, Field(ge=0, le=604800)] = 7200
    """After a revision became stable: rows before that count for nothing."""


class Retrain(ApiModel):
    """Whether an alarm starts a training, and what keeps that from running away."""

    rules = (
        Rule(
            "!has(self.mode) || !(self.mode in ['Approve', 'Auto']) || has(self.trainingJobRef)",
            "must have `trainingJobRef` when `mode` is 'Approve' or 'Auto'",
        ),
        Rule(
            "!has(self.when) || !has(self.blockOn) || !self.when.exists(kind, kind in self.blockOn)",
            "must not have the same kind in `when` and in `blockOn`",
        ),
    )

    mode: Literal["Never", "Suggest", "Approve", "Auto"] = "Suggest"
    """`Suggest` writes an Event; `Approve` waits for the command `retrain`; `Auto` starts. The annotation is
    `rollmodel.dev/command: retrain <episode> <any word>`, and it works in each mode."""
    training_job_ref: LocalRef | None = None
    """TrainingJob whose spec the new one copies."""
    when: _Kinds = Field(default=[SignalKind.PERFORMANCE, SignalKind.ESTIMATED_PERFORMANCE])
    """Kinds of signals whose alarm starts a training; others only suggest one."""
    block_on: _Kinds = Field(default=[SignalKind.QUALITY])
    """Kinds of signals whose alarm forbids a training: bad data makes bad models."""
    cooldown_seconds: Annotated[int, Field(ge=0, le=31536000)] = 86400
    """Shortest time between two trainings."""
    max_per_period: Annotated[int, Field(ge=1, le=1000)] = 4
    """Trainings within the period of the false-alarm budget; more than 10 count as 10."""
    min_new_labelled_rows: Annotated[int, Field(ge=0, le=2**53)] = 0
    """Rows of the revision that must have a label, and had none when the last training of this policy began. Needs
    `source.counts`."""
    give_up_after: Annotated[int, Field(ge=1, le=100)] = 2
    """Trainings that did not end the alarm, after which only a person starts another; more than 10 count as 10."""
