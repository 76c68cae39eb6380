"""A plain threshold on one number, as other tools have it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

from rollmodel.api.base import decimal
from rollmodel.api.modeldeployment import Metric, Runtime, ValueQuery
from rollmodel.evidence.core.samples import NoEvidence, NoEvidenceReason, ValueSample, Window
from rollmodel.evidence.core.types import MetricHistory, MetricPlan
from rollmodel.plan.deployment.analysis.promql import rendered
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, UnexpectedAnswer
from rollmodel.plan.deployment.observed import Answer

__all__ = ["Value"]


class Value:
    """See the module."""

    learns_from_history: ClassVar[bool] = False
    series_per_pod: ClassVar[int] = 0

    def measures(self, metric: Metric) -> bool:
        """Where the user wrote a query with limits."""
        return metric.value is not None

    def query(self, metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
        """The user's query."""
        del runtime
        return rendered(metric, _value(metric).query, words)

    def plan(self, metric: Metric) -> MetricPlan:
        """Limits instead of margins."""
        value = _value(metric)
        return MetricPlan(
            name=metric.name,
            kind="value",
            value_min=None if value.min is None else decimal(value.min),
            value_max=None if value.max is None else decimal(value.max),
            failure_limit=value.failure_limit,
        )

    def delay_seconds(self, metric: Metric) -> int:
        """A number has no labels to wait for."""
        del metric
        return 0

    def samples(self, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
        """One number per window: the value at its end."""
        del arms
        _one(answer)
        points = dict(answer.series[0][1]) if answer.series else {}
        ticks = round((query.end - query.start) / query.step)
        times = [query.start + tick * query.step for tick in range(ticks + 1)]
        nothing = NoEvidence(NoEvidenceReason.NO_SERIES, "the query gave no value")
        return [
            (Window(begin, end), ValueSample(points[end]) if end in points else nothing)
            for begin, end in pairwise(times)
        ]

    def history(self, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
        """A threshold learns nothing. Raises UnexpectedAnswer where there is more than one number."""
        del query, arms
        _one(answer)
        return MetricHistory()


def _one(answer: Answer) -> None:
    if len(answer.series) > 1:
        raise UnexpectedAnswer(f"{len(answer.series)} series where one number was expected; aggregate them")


def _value(metric: Metric) -> ValueQuery:
    assert metric.value is not None  # noqa: S101 - ``measures`` has said so
    return metric.value
