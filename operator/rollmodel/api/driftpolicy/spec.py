"""The desired state of a DriftPolicy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, LocalRef, Suspend
from rollmodel.api.driftpolicy.data import MetricsSource, Outcomes, Reference, Source, TrainingReference
from rollmodel.api.driftpolicy.reaction import HoldOff, Retrain
from rollmodel.api.driftpolicy.signals import Signal, SignalKind
from rollmodel.api.driftpolicy.statistics import Dependence, FalseAlarms, Hysteresis, Samples
from rollmodel.api.notify import Notify
from rollmodel.api.schema import SET, Rule, keyed_by

__all__ = ["DriftPolicySpec"]

_WindowSeconds = Annotated[int, Field(ge=10, le=7776000)]


class DriftPolicySpec(ApiModel):
    """The desired state. The operator never writes it."""

    rules = (
        Rule(
            "has(self.outcomes) || !self.signals.exists(signal, signal.kind == 'Performance')",
            "must have `outcomes` for a signal of kind 'Performance': it needs true labels",
        ),
        Rule(
            "!has(self.source.metrics) || (has(self.windowSeconds)"
            " && self.windowSeconds.all(window, window >= self.source.metrics.stepSeconds))"
            " || (!has(self.windowSeconds) && self.source.metrics.stepSeconds <= 3600)",
            "must have `windowSeconds` of at least `source.metrics.stepSeconds`",
        ),
        Rule(
            "!has(self.source.counts) || (has(self.windowSeconds)"
            " && self.windowSeconds.all(window, window >= self.source.counts.stepSeconds))"
            " || (!has(self.windowSeconds) && self.source.counts.stepSeconds <= 3600)",
            "must have `windowSeconds` of at least `source.counts.stepSeconds`",
        ),
        Rule(
            "self.track != 'Stable' || !has(self.reference.stableTrack)",
            "must have `track` 'Candidate' with `reference.stableTrack`: stable does not drift from itself",
        ),
    )

    model_deployment_ref: LocalRef
    """ModelDeployment whose traffic is watched."""
    track: Literal["Stable", "Candidate"] = "Stable"
    """Which of its revisions: the stable one, or a candidate while one is tried; needs `reference.stableTrack` then."""
    source: Source = Source(metrics=MetricsSource())
    """Where live data comes from."""
    outcomes: Outcomes | None = None
    """True labels, which arrive later. Omitted: there are none."""
    reference: Reference = Reference(training=TrainingReference())
    """What live data is compared with."""
    season: Literal["Auto", "None", "HourOfDay", "HourOfWeek"] = "Auto"
    """Which part of the reference a window is compared with, if it is shorter than the season: the same hours of the
    day or of the week, by UTC. `Auto`: those of the week, if the profile has counts by them."""
    window_seconds: Annotated[list[_WindowSeconds] | None, Field(min_length=1, max_length=8), SET] = None
    """Widths of the windows to look at, in whole steps; they share the false-alarm budget equally. Omitted: an hour, a
    day and a week, and six hours where a window is compared with the same hours (`season`, `reference.stableTrack`)."""
    samples: Samples = Samples()
    """What a window needs before it says anything."""
    false_alarms: FalseAlarms = FalseAlarms()
    """How many alarms a healthy model may raise."""
    dependence: Dependence = Dependence()
    """How much more than chance counts vary."""
    signals: Annotated[list[Signal], Field(min_length=1, max_length=50), keyed_by("name")] = Field(
        default=[
            Signal(name="features", kind=SignalKind.FEATURE),
            Signal(name="prediction", kind=SignalKind.PREDICTION),
            Signal(name="quality", kind=SignalKind.QUALITY),
        ]
    )
    """What is watched."""
    hysteresis: Hysteresis = Hysteresis()
    """How an alarm is raised and cleared."""
    hold_off: HoldOff = HoldOff()
    """Times in which differences are expected."""
    retrain: Retrain = Retrain()
    """Whether an alarm starts a training."""
    notify: Notify | None = None
    """Who is told, beside Event, metric and condition."""
    suspend: Suspend | None = None
    """`Suspended` looks at nothing; omitted: the policy is active."""

    @property
    def windows(self) -> Sequence[int]:
        """Widths of the windows in seconds; of those that are omitted, the ones that there always are."""
        return self.window_seconds or (3600, 86_400, 604_800)
