"""What is compared with what: live data against a reference."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rollmodel.api.base import ApiModel, LocalRef
from rollmodel.api.fields.decimals import Share
from rollmodel.api.schema import exactly_one_of

__all__ = [
    "CountsSource",
    "MetricsSource",
    "Outcomes",
    "Reference",
    "Source",
    "StableTrackReference",
    "TrainingReference",
    "WindowReference",
]


class MetricsSource(ApiModel):
    """Histograms that the model server exports, with the bins of the reference profile, read from Prometheus."""

    step_seconds: Annotated[int, Field(ge=10, le=86400)] = 3600
    """Width of one sample of the histograms, and time between two looks. At least four scrapes of Prometheus."""


class CountsSource(ApiModel):
    """Counts of a prediction log, and of labels, that `rollmodel count-log` writes into a ConfigMap."""

    config_map_ref: LocalRef
    """The ConfigMap. The Job that writes it runs at least once in each `delaySeconds`."""
    step_seconds: Annotated[int, Field(ge=10, le=86400)] = 3600
    """Width of one step of the counts, and time between two looks; the same as the Job's `--step`."""
    delay_seconds: Annotated[int, Field(ge=0, le=604800)] = 3600
    """How long after its end a step must be counted. A look that does not find it is `Blind`."""


class Source(ApiModel):
    """Where live data comes from: exactly one of ``metrics`` and ``counts``."""

    rules = (exactly_one_of("metrics", "counts"),)

    metrics: MetricsSource | None = None
    """Histograms in Prometheus."""
    counts: CountsSource | None = None
    """Counts of a prediction log and its labels."""


class Outcomes(ApiModel):
    """True labels, which arrive later. Needs `source.counts`."""

    delay_seconds: Annotated[int, Field(ge=0, le=31536000)]
    """How long after the prediction a label is final. A prediction counts then, not before."""
    mature_share: Share = "0.9"
    """Share of a window's predictions that must have a final label before the window counts."""


class TrainingReference(ApiModel):
    """The profile that the training wrote: `profile.json` beside the model. Renewed only when a version is promoted."""

    min_rows: Annotated[int, Field(ge=100, le=2**53)] = 10_000
    """Rows that the profile must rest on."""


class WindowReference(ApiModel):
    """A window of the past that moves along. It tells sudden changes, and does not see slow ones."""

    duration_seconds: Annotated[int, Field(ge=3600, le=31536000)] = 1_209_600
    """Width of the window."""
    offset_seconds: Annotated[int, Field(ge=0, le=31536000)] = 86400
    """How long before now the window ends."""


class StableTrackReference(ApiModel):
    """The stable revision at the same time: removes season and incidents while a candidate is tried."""

    min_rows: Annotated[int, Field(ge=100, le=2**53)] = 1000
    """Rows that a window of the stable revision must have."""


class Reference(ApiModel):
    """What live data is compared with: exactly one of ``training``, ``window``, ``stableTrack``."""

    rules = (exactly_one_of("training", "window", "stableTrack"),)

    training: TrainingReference | None = None
    """The profile that the training wrote."""
    window: WindowReference | None = None
    """A window of the past."""
    stable_track: StableTrackReference | None = None
    """The stable revision at the same time."""
