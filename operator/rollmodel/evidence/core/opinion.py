"""What the judge of one kind of metric is, and what it tells the judge of the rollout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

from rollmodel.evidence.core.samples import NoEvidence, Sample
from rollmodel.evidence.core.types import MetricPlan, MetricReport

__all__ = ["MetricJudge", "MetricOpinion", "Step", "finite"]


class Step(NamedTuple):
    """A window for the metric judges: its length, the time since the last one's end, and whether the weight changed."""

    seconds: float
    elapsed: float
    moved: bool


@dataclass(frozen=True, slots=True)
class MetricOpinion:
    """What one metric says.

    ``shared`` says that the stable arm breaks the absolute limit too, ``below_margin`` that the interval of the ratio
    lies below the safe line.
    """

    report: MetricReport
    seconds_without_data: float
    proven_safe: bool = False
    shared: bool = False
    below_margin: bool = False


class MetricJudge(Protocol):
    """The judge of all metrics of one kind: an immutable value with its state inside."""

    @property
    def metrics(self) -> Sequence[MetricPlan]:
        """The metrics it judges."""
        ...

    def refused(self, samples: Mapping[str, Sample]) -> Mapping[str, NoEvidence]:
        """The sound samples that do not fit to what was frozen at the begin."""
        ...

    def observe(self, samples: Mapping[str, Sample], step: Step) -> Self:
        """The judge after one window of sound samples; a metric without one counts as without data."""
        ...

    def log_harm(self) -> Mapping[str, float]:
        """Log of the e-process against harm, of each metric that has such a test."""
        ...

    def breached(self) -> Sequence[str]:
        """Metrics whose absolute limit the candidate breaks, and the stable arm does not."""
        ...

    def opinions(self) -> Sequence[MetricOpinion]:
        """The opinion about each metric after the last window."""
        ...

    def plain(self) -> Any:
        """The state, for JSON."""
        ...


def finite(value: float) -> float | None:
    """The number, or None where it is infinite or unknown."""
    return float(value) if math.isfinite(value) else None
