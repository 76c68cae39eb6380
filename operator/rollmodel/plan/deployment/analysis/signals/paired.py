"""Pairs: how many answers of both versions to the same request differ. The candidate's pods count them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

from rollmodel.api.base import decimal
from rollmodel.api.modeldeployment import Metric, PairedAnswers, Runtime
from rollmodel.evidence.core import windows
from rollmodel.evidence.core.types import (
    CountSample,
    MetricHistory,
    MetricPlan,
    NoEvidence,
    NoEvidenceReason,
    PairSample,
    Sample,
)
from rollmodel.plan.deployment.analysis.promql import REVISION_LABEL, roles, summed
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, pod_series
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.runtimes.preset import Counter

__all__ = ["Paired", "rule_of"]

#: Names of the model server (docs/adr/0019-paired-answers.md).
_PAIRS, _DIFFERING = "rollmodel_server_pairs_total", "rollmodel_server_pairs_differing_total"


class Paired:
    """See the module."""

    learns_from_history: ClassVar[bool] = False
    series_per_pod: ClassVar[int] = 2

    def measures(self, metric: Metric) -> bool:
        """Where a limit is written."""
        return metric.paired is not None

    def query(self, metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
        """Counters of the candidate alone, counted by this very rule: of another rule there are no series."""
        del runtime
        matchers = f'{words["selector"]},{REVISION_LABEL}="{words["candidate"]}"'
        rule = json.dumps(rule_of(_paired(metric)), ensure_ascii=False)  # PromQL's strings have the same escapes
        total, bad = (Counter(name, f"rule={rule}") for name in (_PAIRS, _DIFFERING))
        return roles(bad=summed(bad, matchers), total=summed(total, matchers))

    def plan(self, metric: Metric) -> MetricPlan:
        """A limit instead of margins: both lines are there."""
        limit = decimal(_paired(metric).max_disagreement)
        return MetricPlan(name=metric.name, kind="paired", value_max=limit, harm_ratio=1.0, safe_ratio=1.0)

    def delay_seconds(self, metric: Metric) -> int:
        """A pair is counted within seconds."""
        del metric
        return 0

    def samples(self, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
        """Increments of both counters."""
        series = pod_series(answer, arms)
        found = windows.count_samples(series, start=query.start, end=query.end, step=query.step, alone=True)
        return [(window, _pairs(sample)) for window, sample in found]

    def history(self, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
        """Pairs have no past."""
        del answer, query, arms
        return MetricHistory()


def rule_of(paired: PairedAnswers) -> str:
    """What counts as a difference, as the model server calls it."""
    rule = "differs"
    if paired.differs_by is not None:
        rule = f"differsBy={paired.differs_by}"
    elif paired.threshold is not None:
        rule = f"threshold={paired.threshold}"
    return rule if paired.only is None else f"{rule};{paired.only.feature}={paired.only.value}"


def _pairs(sample: Sample) -> Sample:
    if isinstance(sample, CountSample):
        return PairSample(sample.na, sample.ka)
    if isinstance(sample, NoEvidence) and sample.reason in {NoEvidenceReason.NO_TRAFFIC, NoEvidenceReason.NO_SERIES}:
        return NoEvidence(NoEvidenceReason.NO_PAIRS, "no request was answered by both versions")
    return sample


def _paired(metric: Metric) -> PairedAnswers:
    assert metric.paired is not None  # noqa: S101 - ``measures`` has said so
    return metric.paired
