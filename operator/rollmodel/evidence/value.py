"""Plain thresholds on one number, as other tools have them: pass, fail, or inconclusive.

No risk is known for them, and none is claimed. A metric is broken once more evaluations failed than ``failure_limit``
allows; it passes when its last evaluation did, and counts for promotion after as many evaluations as it takes to break.
An evaluation without a number is inconclusive: it counts neither way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from rollmodel.evidence.core.arrays import Array, from_plain, to_plain
from rollmodel.evidence.core.opinion import MetricOpinion, Step
from rollmodel.evidence.core.samples import NoEvidence, Sample, ValueSample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan, MetricReport

__all__ = ["ValueJudge"]


@dataclass(frozen=True, slots=True)
class ValueJudge:
    """All threshold metrics of a rollout; arrays [m]: evaluations, failures, the last value, seconds without data."""

    metrics: tuple[MetricPlan, ...]
    evaluated: Array
    failed: Array
    last: Array
    seconds_without_data: Array

    @classmethod
    def begin(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], history: Mapping[str, MetricHistory]) -> Self:
        """Thresholds need no past."""
        del plan, history
        none = np.zeros(len(metrics))
        return cls(tuple(metrics), none, none, none, none)

    def refused(self, samples: Mapping[str, Sample]) -> Mapping[str, NoEvidence]:
        """None: any number is accepted."""
        del samples
        return {}

    def observe(self, samples: Mapping[str, Sample], step: Step) -> Self:
        """The judge after one window."""
        found = [samples.get(m.name) for m in self.metrics]
        values = [s.value if isinstance(s, ValueSample) else None for s in found]
        has_value = np.array([value is not None for value in values])
        failed = np.array([v is not None and not _passes(m, v) for m, v in zip(self.metrics, values, strict=True)])
        return replace(
            self,
            evaluated=self.evaluated + has_value,
            failed=self.failed + failed,
            last=np.where(has_value, [0.0 if v is None else v for v in values], self.last),
            seconds_without_data=np.where(has_value, 0.0, self.seconds_without_data + step.elapsed),
        )

    def log_harm(self) -> Mapping[str, float]:
        """None: a threshold is no test."""
        return {}

    def breached(self) -> Sequence[str]:
        """Metrics with more failures than their limit allows."""
        return [m.name for m, failed in zip(self.metrics, self.failed, strict=True) if failed > m.failure_limit]

    def opinions(self) -> Sequence[MetricOpinion]:
        """What each metric says now."""
        return [self._opinion(i, metric) for i, metric in enumerate(self.metrics)]

    def _opinion(self, i: int, metric: MetricPlan) -> MetricOpinion:
        evaluated, failed, last = int(self.evaluated[i]), int(self.failed[i]), float(self.last[i])
        passes = evaluated > 0 and _passes(metric, last)
        report = MetricReport(
            name=metric.name,
            verdict="Breached" if failed > metric.failure_limit else "Passing" if passes else "Undecided",
            na=float(evaluated),
            ka=float(failed),
            value=last if evaluated else None,
            message=f"{failed} of {evaluated} evaluations failed, {metric.failure_limit} are tolerated",
        )
        enough = passes and evaluated > metric.failure_limit
        return MetricOpinion(report, float(self.seconds_without_data[i]), proven_safe=enough, below_margin=passes)

    def plain(self) -> Any:
        """The state, for JSON."""
        return [to_plain(x) for x in (self.evaluated, self.failed, self.last, self.seconds_without_data)]

    @classmethod
    def from_plain(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], data: Any) -> Self:
        """The judge that :meth:`plain` wrote. Raises ValueError."""
        del plan
        evaluated, failed, last, seconds_without_data = (from_plain(np.zeros(len(metrics)), x) for x in data)
        return cls(tuple(metrics), evaluated, failed, last, seconds_without_data)


def _passes(metric: MetricPlan, value: float) -> bool:
    above = metric.value_min is None or value >= metric.value_min
    return above and (metric.value_max is None or value <= metric.value_max)
