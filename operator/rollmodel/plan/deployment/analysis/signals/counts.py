"""Counts: bad requests among all, by a preset (Errors, ClientErrors, SlowRequests) or by two counters of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from rollmodel.api.base import decimal
from rollmodel.api.modeldeployment import Metric, MetricPreset, Runtime
from rollmodel.errors import Invalid
from rollmodel.evidence.core import windows
from rollmodel.evidence.core.types import MetricHistory, MetricPlan
from rollmodel.plan.deployment.analysis.promql import measured, rendered, roles, summed
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, alone, pod_series
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.runtimes import preset

__all__ = ["Counts"]

_SAFE_RATIO = 1.5


class Counts:
    """See the module."""

    learns_from_history: ClassVar[bool] = True
    series_per_pod: ClassVar[int] = 2

    def measures(self, metric: Metric) -> bool:
        """Every preset but Latency counts."""
        return metric.counts is not None or metric.preset not in {None, MetricPreset.LATENCY}

    def query(self, metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
        """Counters with the roles ``bad`` and ``total``."""
        if metric.counts is not None:
            bad, total = metric.counts.bad, metric.counts.total
            return roles(bad=rendered(metric, bad, words), total=rendered(metric, total, words))
        counters, selector = measured(metric, runtime), words["selector"]
        if isinstance(counters, preset.Counts):
            return roles(bad=summed(counters.bad, selector), total=summed(counters.total, selector))
        return _slow(metric, counters, selector)

    def plan(self, metric: Metric) -> MetricPlan:
        """A rare fault varies much, so the safe margin is wide."""
        return MetricPlan(
            name=metric.name,
            kind="count",
            safe_ratio=_SAFE_RATIO,
            ceiling=None if metric.ceiling is None else decimal(metric.ceiling),
            delay=float(self.delay_seconds(metric)),
        )

    def delay_seconds(self, metric: Metric) -> int:
        """Presets count at once."""
        return 0 if metric.counts is None else metric.counts.delay_seconds

    def samples(self, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
        """Increments of both counters; without a stable arm those of the candidate, for its ceiling."""
        return windows.count_samples(
            pod_series(answer, arms), start=query.start, end=query.end, step=query.step, alone=alone(arms)
        )

    def history(self, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
        """Increments of both counters by pod."""
        series = pod_series(answer, arms)
        return windows.history(series, kind="count", start=query.start, end=query.end, step=query.step)


def _slow(metric: Metric, histogram: preset.Histogram, selector: str) -> str:
    """Requests above a bucket's edge. Where there is no such edge there is no ``total`` either: nothing is judged."""
    if metric.slower_than_seconds is None:
        raise Invalid(f"metric '{metric.name}' must have `slowerThanSeconds`", reason="InvalidMetric")
    every = summed(histogram.buckets, f'{selector},le="+Inf"')
    fast = summed(histogram.buckets, f'{selector},le=~"{_edge(metric.slower_than_seconds)}"')
    return roles(bad=f"{every} - {fast}", total=f"{every} and {fast}")


def _edge(seconds: str) -> str:
    """A regex for the ways in which servers write a bucket's upper bound: ``1`` or ``1.0``."""
    plain = format(Decimal(seconds).normalize(), "f")
    ways = [plain] if "." in plain else [plain, f"{plain}.0"]
    return "|".join(one.replace(".", r"\\.") for one in ways)
