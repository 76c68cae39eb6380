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
    "JudgePlan",
    "MetricHistory",
    "MetricPlan",
    "MetricReport",
    "Outcome",
]


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
