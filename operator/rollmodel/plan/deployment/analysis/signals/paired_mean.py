"""Pairs of numbers: by how much the candidate answers more or less on average. The candidate's pods add them up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rollmodel.api.base import decimal
from rollmodel.api.modeldeployment import Metric, Runtime
from rollmodel.evidence.core import windows
from rollmodel.evidence.core.types import MetricHistory, MetricPlan
from rollmodel.plan.deployment.analysis.promql import roles
from rollmodel.plan.deployment.analysis.signals.paired import LARGEST, PAIRS, as_pairs, counter_of, paired_of
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, pod_series
from rollmodel.plan.deployment.observed import Answer

__all__ = ["PairedMean"]

#: Names of the model server (docs/adr/0019-paired-answers.md).
_SUM, _SQUARES = "rollmodel_server_pairs_mean_difference_total", "rollmodel_server_pairs_mean_squares_total"


class PairedMean:
    """See the module."""

    learns_from_history: ClassVar[bool] = False
    series_per_pod: ClassVar[int] = 4

    def measures(self, metric: Metric) -> bool:
        """Where a limit of the mean is written."""
        return metric.paired is not None and metric.paired.max_mean_difference is not None

    def query(self, metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
        """Counters of the candidate alone, of this rule."""
        del runtime
        paired = paired_of(metric)
        up, down = (counter_of(_SUM, paired, words, f'sign="{sign}"') for sign in ("positive", "negative"))
        total, squares = (counter_of(name, paired, words) for name in (PAIRS, _SQUARES))
        return roles(total=total, up=up, down=down, squares=squares)

    def plan(self, metric: Metric) -> MetricPlan:
        """A limit instead of margins, in parts of the largest difference that counts."""
        scale = _scale(metric)
        limit = decimal(paired_of(metric).max_mean_difference or "0") / scale
        return MetricPlan(
            name=metric.name, kind="difference", value_max=limit, value_scale=scale, harm_ratio=1.0, safe_ratio=1.0
        )

    def delay_seconds(self, metric: Metric) -> int:
        """A pair is counted within seconds."""
        del metric
        return 0

    def samples(self, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
        """Increments of all counters, which the pods keep in parts of the largest difference."""
        found = windows.difference_samples(pod_series(answer, arms), start=query.start, end=query.end, step=query.step)
        return [(window, as_pairs(sample)) for window, sample in found]

    def history(self, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
        """Pairs have no past."""
        del answer, query, arms
        return MetricHistory()


def _scale(metric: Metric) -> float:
    return decimal(paired_of(metric).largest_difference or LARGEST)
