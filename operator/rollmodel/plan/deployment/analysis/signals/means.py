"""Means: a value per request (cost, score, absolute error), by two counters of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rollmodel.api.modeldeployment import Better, MeanQuery, Metric, Runtime
from rollmodel.evidence.core import windows
from rollmodel.evidence.core.types import MetricHistory, MetricPlan
from rollmodel.plan.deployment.analysis.promql import rendered, roles
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, alone, pod_series
from rollmodel.plan.deployment.observed import Answer

__all__ = ["Means"]

#: Means vary less than rare events do.
_SAFE_RATIO = 1.25


class Means:
    """See the module."""

    learns_from_history: ClassVar[bool] = True
    series_per_pod: ClassVar[int] = 2

    def measures(self, metric: Metric) -> bool:
        """Where the user wrote both counters."""
        return metric.mean is not None

    def query(self, metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
        """Counters with the roles ``sum`` and ``count``."""
        del runtime
        mean = _mean(metric)
        return roles(sum=rendered(metric, mean.sum, words), count=rendered(metric, mean.count, words))

    def plan(self, metric: Metric) -> MetricPlan:
        """The user says which direction is good."""
        return MetricPlan(
            name=metric.name,
            kind="mean",
            safe_ratio=_SAFE_RATIO,
            higher_is_worse=_mean(metric).better is Better.LOWER,
            delay=float(self.delay_seconds(metric)),
        )

    def delay_seconds(self, metric: Metric) -> int:
        """As the user says."""
        return _mean(metric).delay_seconds

    def samples(self, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
        """Count and mean of each window."""
        return windows.mean_samples(
            pod_series(answer, arms), start=query.start, end=query.end, step=query.step, alone=alone(arms)
        )

    def history(self, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
        """Count and sum by pod."""
        series = pod_series(answer, arms)
        return windows.history(series, kind="mean", start=query.start, end=query.end, step=query.step)


def _mean(metric: Metric) -> MeanQuery:
    assert metric.mean is not None  # noqa: S101 - ``measures`` has said so
    return metric.mean
