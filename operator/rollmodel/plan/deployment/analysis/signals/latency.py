"""Latency: the whole histogram of request times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rollmodel.api.modeldeployment import Metric, MetricPreset, Runtime
from rollmodel.errors import Invalid
from rollmodel.evidence.core import windows
from rollmodel.evidence.core.types import MetricHistory, MetricPlan
from rollmodel.plan.deployment.analysis.promql import BY_POD, measured, summed
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, alone, pod_series
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.runtimes.preset import Histogram

__all__ = ["Latency"]

#: Times vary less than rare events do.
_SAFE_RATIO = 1.25


class Latency:
    """See the module."""

    learns_from_history: ClassVar[bool] = True
    series_per_pod: ClassVar[int] = 20

    def measures(self, metric: Metric) -> bool:
        """By preset only: the buckets must be those of the server."""
        return metric.preset is MetricPreset.LATENCY

    def query(self, metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
        """Every bucket by pod."""
        histogram = measured(metric, runtime)
        if not isinstance(histogram, Histogram):
            raise Invalid(f"metric '{metric.name}' has no histogram", reason="CannotMeasure")
        return summed(histogram.buckets, words["selector"], by=f"{BY_POD}, le")

    def plan(self, metric: Metric) -> MetricPlan:
        """One plan for all buckets."""
        return MetricPlan(name=metric.name, kind="latency", safe_ratio=_SAFE_RATIO)

    def delay_seconds(self, metric: Metric) -> int:
        """A request has its time when it is counted."""
        del metric
        return 0

    def samples(self, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
        """Increments by bucket."""
        return windows.histogram_samples(
            pod_series(answer, arms), start=query.start, end=query.end, step=query.step, alone=alone(arms)
        )

    def history(self, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
        """Increments by pod and bucket."""
        series = pod_series(answer, arms)
        return windows.history(series, kind="latency", start=query.start, end=query.end, step=query.step)
