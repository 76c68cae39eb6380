"""What goes into the judge and what comes out of it.

The judge is a pure function of (state, samples). The flow of one tick::

    raw counters per pod --windows--> samples per metric --judge.observe--> state --judge.assess--> Assessment

``judge`` offers: ``begin(plan, history, now) -> JudgeState``, ``observe(state, window, samples, weight=...) ->
JudgeState``, ``assess(state) -> Assessment``, ``dump(state) -> str``, ``pack(state) -> str`` (the same, shorter),
``load(text) -> JudgeState``. The state carries the frozen plan, so a policy that is edited during a rollout does not
change the judge of that rollout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

__all__ = [
    "Assessment",
    "CountSample",
    "DifferenceSample",
    "HistogramSample",
    "JudgePlan",
    "MeanSample",
    "MetricHistory",
    "MetricPlan",
    "MetricReport",
    "NoEvidence",
    "NoEvidenceReason",
    "Outcome",
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
class MetricPlan:
    """How one metric is judged. Harm: candidate <= harm_ratio * stable + harm_absolute; safe likewise."""

    name: str
    kind: Literal["count", "latency", "mean", "value", "paired", "difference"]
    harm_ratio: float = 1.1
    harm_absolute: float = 0.0
    safe_ratio: float = 1.5
    safe_absolute: float = 0.0
    ceiling: float | None = None
    """Absolute limit of the bad fraction (count)."""
    value_min: float | None = None
    value_max: float | None = None
    """Limits of a value; ``value_max`` is also the share of pairs that may differ (paired), or their mean
    difference in parts of ``value_scale`` (difference)."""
    value_scale: float = 1.0
    """The largest difference of a pair that counts (difference)."""
    failure_limit: int = 2
    higher_is_worse: bool = True
    weight: float = 1.0
    delay: float = 0.0
    """Seconds after a prediction within which its label arrives; windows count once the split is older than that."""


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """A policy, frozen for one rollout. Risks are probabilities over the whole rollout and all metrics."""

    metrics: Sequence[MetricPlan]
    interval: float = 10.0
    """Seconds of a tick."""
    alpha_harm: float = 0.05
    alpha_safe: float = 0.05
    alpha_ceiling: float = 0.001
    planned_ticks: int = 360
    candidate_share: float = 0.05
    """Expected share of the candidate, for tuning priors to the volume."""
    check_share: bool = True


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """What the stable arm did before the rollout, per aligned window, oldest first.

    ``pods`` maps a pod to its samples as (n, k) pairs (count), (n, sum) pairs or (n, sum, sum of squares) (mean), or
    bucket increments (latency); all of equal length.
    Empty history is allowed: then the first ticks only teach (section 5 of docs/concepts/evidence-method.md).
    """

    pods: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    edges: Sequence[float] = ()
    part: float = 1.0
    """The share of all pods that ``pods`` are, where a past of all is too much: their traffic is this part of it."""


class Outcome(StrEnum):
    """The verdict of a tick, in order of precedence."""

    CEILING = "Ceiling"
    SHARED_INCIDENT = "SharedIncident"
    HARM = "Harm"
    NO_DATA = "NoData"
    BIASED_SPLIT = "BiasedSplit"
    SAFE = "Safe"
    UNDECIDED = "Undecided"


@dataclass(frozen=True, slots=True)
class MetricReport:
    """What one metric says now. ``low``/``high`` bound ``ratio`` at all times together (95 %)."""

    name: str
    verdict: Literal["Harmful", "ProvenSafe", "Undecided", "NoData", "Breached", "Passing"]
    e_harm: float | None = None
    e_safe: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    na: float = 0.0
    ka: float = 0.0
    nb: float = 0.0
    kb: float = 0.0
    dispersion: float = 1.0
    seconds_to_harm: float | None = None
    seconds_to_safe: float | None = None
    value: float | None = None
    message: str = ""
    learning: tuple[int, int] | None = None
    """Windows seen, of how many that only teach what is normal; absent once harm and safety are judged."""
    guard: Literal["Watching", "Caught"] | None = None
    """The guard against glaring faults while the noise is learnt; absent where there is none or it is over."""
    unit: Literal["pairs"] | None = None
    """What ``na`` and ``ka`` count where it is not requests; of pairs ``ratio`` is in parts of the limit,
    and ``value`` is a mean difference."""
    pace: float = 0.0
    """Requests of both arms in a window, lately; 0 where a metric counts none, or learns."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The judge's opinion after the last tick. ``reason`` is one CamelCase word, ``message`` one line for people."""

    outcome: Outcome
    reason: str
    message: str
    blamed: Sequence[str] = ()
    metrics: Sequence[MetricReport] = ()
    ticks: int = 0
    upper_limit_below_margin: bool = False
    """True when every metric's interval lies below its safe margin (what ``onUndecided: Promote`` asks)."""


@dataclass(frozen=True, slots=True)
class PodSeries:
    """A raw counter of one pod on the aligned grid.

    ``role``: ``total`` or ``bad``, ``count`` or ``sum``, or a bucket's upper bound as text.
    """

    arm: Literal["candidate", "stable"]
    pod: str
    role: str
    points: Sequence[tuple[float, float]]
