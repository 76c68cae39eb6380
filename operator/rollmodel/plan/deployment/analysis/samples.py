"""From Prometheus' answers to samples per window, with every oddity named instead of guessed away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rollmodel.api.modeldeployment import Metric
from rollmodel.evidence.core.samples import NoEvidence, NoEvidenceReason, Sample, Window
from rollmodel.evidence.core.types import MetricHistory
from rollmodel.plan.deployment.analysis.signals import signal_of
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, Sampled
from rollmodel.plan.deployment.observed import Answer

__all__ = ["aligned", "past", "sampled"]


def sampled(metric: Metric, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
    """The samples of each complete window, oldest first. Raises UnexpectedAnswer."""
    return signal_of(metric).samples(answer, query, arms)


def past(metric: Metric, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
    """What the stable arm did before. Raises UnexpectedAnswer."""
    return signal_of(metric).history(answer, query, arms)


def aligned(by_metric: Mapping[str, Sampled]) -> list[tuple[Window, dict[str, Sample]]]:
    """Windows that all metrics share, oldest first: where one has a longer window, the others' are added up."""
    if not by_metric:
        return []
    ends = set.intersection(*({window.end for window, _ in sampled} for sampled in by_metric.values()))
    start = min((window.start for sampled in by_metric.values() for window, _ in sampled), default=0.0)
    result: list[tuple[Window, dict[str, Sample]]] = []
    for end in sorted(ends):
        window = Window(start, end)
        result.append((window, {name: _merged(_within(samples, window)) for name, samples in by_metric.items()}))
        start = end
    return result


def _within(sampled: Sampled, span: Window) -> list[Sample]:
    return [sample for window, sample in sampled if span.start <= window.start and window.end <= span.end]


def _merged(samples: Sequence[Sample]) -> Sample:
    """One sample for several windows: sums; for a plain value the last one."""
    odd = next((sample for sample in samples if isinstance(sample, NoEvidence)), None)
    if odd is not None or not samples:
        return odd or NoEvidence(NoEvidenceReason.GAP, "no complete window")
    merged = samples[0]
    for sample in samples[1:]:
        merged = merged.plus(sample)
    return merged
