"""Pairs: how many answers of both versions to the same request differ. The candidate's pods count them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

from rollmodel.api.base import decimal
from rollmodel.api.modeldeployment import Metric, PairedAnswers, Runtime
from rollmodel.evidence.core import windows
from rollmodel.evidence.core.samples import CountSample, NoEvidence, NoEvidenceReason, PairSample, Sample
from rollmodel.evidence.core.types import MetricHistory, MetricPlan
from rollmodel.plan.deployment.analysis.promql import REVISION_LABEL, roles, summed
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled, pod_series
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.runtimes.preset import Counter

__all__ = ["LARGEST", "PAIRS", "Paired", "as_pairs", "counter_of", "paired_of", "rule_of"]

#: Names of the model server (docs/adr/0019-paired-answers.md).
PAIRS, _DIFFERING = "rollmodel_server_pairs_total", "rollmodel_server_pairs_differing_total"
#: The largest difference that counts, where the metric says none: that of two probabilities.
LARGEST = "1"


class Paired:
    """See the module."""

    learns_from_history: ClassVar[bool] = False
    series_per_pod: ClassVar[int] = 2

    def measures(self, metric: Metric) -> bool:
        """Where a limit is written."""
        return metric.paired is not None and metric.paired.max_disagreement is not None

    def query(self, metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
        """Counters of the candidate alone, of this rule."""
        del runtime
        bad, total = (counter_of(name, paired_of(metric), words) for name in (_DIFFERING, PAIRS))
        return roles(bad=bad, total=total)

    def plan(self, metric: Metric) -> MetricPlan:
        """A limit instead of margins: both lines are there."""
        limit = decimal(paired_of(metric).max_disagreement or "0")
        return MetricPlan(name=metric.name, kind="paired", value_max=limit, harm_ratio=1.0, safe_ratio=1.0)

    def delay_seconds(self, metric: Metric) -> int:
        """A pair is counted within seconds."""
        del metric
        return 0

    def samples(self, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
        """Increments of both counters."""
        series = pod_series(answer, arms)
        found = windows.count_samples(series, start=query.start, end=query.end, step=query.step, alone=True)
        return [(window, as_pairs(sample)) for window, sample in found]

    def history(self, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
        """Pairs have no past."""
        del answer, query, arms
        return MetricHistory()


def rule_of(paired: PairedAnswers) -> str:
    """What counts as a difference, as the model server calls it."""
    rule = "differs"
    if paired.max_mean_difference is not None:
        rule = f"meanUpTo={paired.largest_difference or LARGEST}"
    elif paired.differs_by is not None:
        rule = f"differsBy={paired.differs_by}"
    elif paired.threshold is not None:
        rule = f"threshold={paired.threshold}"
    return rule if paired.only is None else f"{rule};{paired.only.feature}={paired.only.value}"


def counter_of(name: str, paired: PairedAnswers, words: Mapping[str, str], matchers: str = "") -> str:
    """A counter of the candidate alone, counted by this very rule: of another rule there are no series."""
    rule = json.dumps(rule_of(paired), ensure_ascii=False)  # PromQL's strings have the same escapes
    of_rule = ",".join(part for part in (f"rule={rule}", matchers) if part)
    return summed(Counter(name, of_rule), f'{words["selector"]},{REVISION_LABEL}="{words["candidate"]}"')


def as_pairs(sample: Sample) -> Sample:
    """Without traffic or series there are no pairs."""
    if isinstance(sample, CountSample):
        return PairSample(sample.na, sample.ka)
    if isinstance(sample, NoEvidence) and sample.reason in {NoEvidenceReason.NO_TRAFFIC, NoEvidenceReason.NO_SERIES}:
        return NoEvidence(NoEvidenceReason.NO_PAIRS, "no request was answered by both versions")
    return sample


def paired_of(metric: Metric) -> PairedAnswers:
    """What the metric asks of pairs."""
    assert metric.paired is not None  # noqa: S101 - ``measures`` has said so
    return metric.paired
