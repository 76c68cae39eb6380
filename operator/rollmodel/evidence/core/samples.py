"""What is counted in one window: raw counters of pods become samples of both arms, or a reason for having none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

__all__ = [
    "CountSample",
    "DifferenceSample",
    "HistogramSample",
    "MeanSample",
    "NoEvidence",
    "NoEvidenceReason",
    "PairSample",
    "PodSeries",
    "Sample",
    "ValueSample",
    "Window",
]


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval (start, end] of unix seconds, the same for both arms."""

    start: float
    end: float


class NoEvidenceReason(StrEnum):
    """Why a window says nothing. None of these decides anything."""

    NO_TRAFFIC = "NoTraffic"
    ARM_EMPTY = "ArmEmpty"
    NO_SERIES = "NoSeries"
    GAP = "Gap"
    NOT_A_NUMBER = "NotANumber"
    NEGATIVE = "Negative"
    BAD_EXCEEDS_TOTAL = "BadExceedsTotal"
    SUM_WITHOUT_COUNT = "SumWithoutCount"
    CLOCK_WENT_BACK = "ClockWentBack"
    EDGES_CHANGED = "EdgesChanged"
    TOO_MANY_BUCKETS = "TooManyBuckets"
    UNKNOWN_METRIC = "UnknownMetric"
    QUERY_FAILED = "QueryFailed"
    LABELS_PENDING = "LabelsPending"
    STATE_VERSION = "StateVersion"
    NO_PAIRS = "NoPairs"
    COPIES_ENDED = "CopiesEnded"


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """A window of a metric that must not become evidence, with its reason.

    ``stable`` are requests that the stable arm counted while the candidate counted none.
    """

    reason: NoEvidenceReason
    message: str = ""
    stable: float = field(default=0.0, compare=False)

    @property
    def requests(self) -> tuple[float, float]:
        """None are known of the candidate."""
        return 0.0, self.stable

    def plus(self, other: Sample) -> Sample:
        """Nothing repairs a window without evidence."""
        del other
        return self


@dataclass(frozen=True, slots=True)
class CountSample:
    """Increments of one window: requests and bad requests of the candidate (a) and of the stable arm (b)."""

    na: float
    ka: float
    nb: float
    kb: float

    @property
    def requests(self) -> tuple[float, float]:
        """Requests of the candidate and of the stable arm."""
        return self.na, self.nb

    def plus(self, other: Sample) -> Sample:
        """Both windows as one."""
        if not isinstance(other, CountSample):
            return _unequal()
        return CountSample(self.na + other.na, self.ka + other.ka, self.nb + other.nb, self.kb + other.kb)


@dataclass(frozen=True, slots=True)
class HistogramSample:
    """Increments per bucket, not cumulative, the last one +Inf. ``edges``: the finite upper bounds, ascending."""

    edges: Sequence[float]
    candidate: Sequence[float]
    stable: Sequence[float]

    @property
    def requests(self) -> tuple[float, float]:
        """Requests of the candidate and of the stable arm."""
        return sum(self.candidate), sum(self.stable)

    def plus(self, other: Sample) -> Sample:
        """Both windows as one, if they have the same edges."""
        if not isinstance(other, HistogramSample) or self.edges != other.edges:
            return _unequal()
        return HistogramSample(
            self.edges,
            [a + b for a, b in zip(self.candidate, other.candidate, strict=True)],
            [a + b for a, b in zip(self.stable, other.stable, strict=True)],
        )


@dataclass(frozen=True, slots=True)
class MeanSample:
    """Count, mean and sum of squares (None if unknown) of one window and arm."""

    na: float
    mean_a: float
    nb: float
    mean_b: float
    squares_a: float | None = None
    squares_b: float | None = None

    @property
    def requests(self) -> tuple[float, float]:
        """Requests of the candidate and of the stable arm."""
        return self.na, self.nb

    def plus(self, other: Sample) -> Sample:
        """Both windows as one, without squares."""
        if not isinstance(other, MeanSample):
            return _unequal()
        na, nb = self.na + other.na, self.nb + other.nb
        sums = (self.na * self.mean_a + other.na * other.mean_a, self.nb * self.mean_b + other.nb * other.mean_b)
        return MeanSample(na, sums[0] / na if na else 0.0, nb, sums[1] / nb if nb else 0.0)


@dataclass(frozen=True, slots=True)
class ValueSample:
    """One number for a plain threshold metric."""

    value: float

    @property
    def requests(self) -> tuple[float, float]:
        """A number counts no requests."""
        return 0.0, 0.0

    def plus(self, other: Sample) -> Sample:
        """The later one."""
        return other if isinstance(other, ValueSample) else _unequal()


@dataclass(frozen=True, slots=True)
class PairSample:
    """Requests of one window that both versions answered, and the sum of their parts (0 to 1) that differ."""

    pairs: float
    differing: float

    @property
    def requests(self) -> tuple[float, float]:
        """What was paired is a part of the requests, which other metrics count."""
        return self.pairs, 0.0

    def plus(self, other: Sample) -> Sample:
        """Both windows as one."""
        if not isinstance(other, PairSample):
            return _unequal()
        return PairSample(self.pairs + other.pairs, self.differing + other.differing)


@dataclass(frozen=True, slots=True)
class DifferenceSample:
    """Pairs of one window, and the sums of their differences (-1 to 1, in parts of the largest) and their squares."""

    pairs: float
    total: float
    squares: float

    @property
    def requests(self) -> tuple[float, float]:
        """As of a :class:`PairSample`."""
        return self.pairs, 0.0

    def plus(self, other: Sample) -> Sample:
        """Both windows as one."""
        if not isinstance(other, DifferenceSample):
            return _unequal()
        return DifferenceSample(self.pairs + other.pairs, self.total + other.total, self.squares + other.squares)


Sample = CountSample | DifferenceSample | HistogramSample | MeanSample | PairSample | ValueSample | NoEvidence


def _unequal() -> NoEvidence:
    return NoEvidence(NoEvidenceReason.EDGES_CHANGED, "two windows cannot be added up")


@dataclass(frozen=True, slots=True)
class PodSeries:
    """A raw counter of one pod on the aligned grid.

    ``role``: ``total`` or ``bad``, ``count`` or ``sum``, or a bucket's upper bound as text.
    """

    arm: Literal["candidate", "stable"]
    pod: str
    role: str
    points: Sequence[tuple[float, float]]
