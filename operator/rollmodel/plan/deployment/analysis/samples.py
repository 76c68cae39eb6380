"""From Prometheus' answers to samples per window, with every oddity named instead of guessed away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from rollmodel.api.modeldeployment import Metric, MetricPreset
from rollmodel.evidence.core import windows
from rollmodel.evidence.core.types import (
    CountSample,
    HistogramSample,
    MeanSample,
    MetricHistory,
    NoEvidence,
    NoEvidenceReason,
    PodSeries,
    Sample,
    ValueSample,
    Window,
)
from rollmodel.plan.deployment.analysis.promql import REVISION_LABEL
from rollmodel.plan.deployment.analysis.queries import MetricQuery
from rollmodel.plan.deployment.observed import Answer

__all__ = ["Arms", "Sampled", "UnexpectedAnswer", "aligned", "past", "sampled"]

Sampled = Sequence[tuple[Window, Sample]]
Arms = Mapping[str, str]
"""Revision to arm (``candidate`` or ``stable``)."""


class UnexpectedAnswer(Exception):
    """An answer whose series are not what was asked for; the text says which."""


def sampled(metric: Metric, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
    """The samples of each complete window, oldest first. Raises UnexpectedAnswer."""
    if metric.value is not None:
        return _values(answer, query)
    series = _series(answer, arms)
    if metric.mean is not None:
        return windows.mean_samples(series, start=query.start, end=query.end, step=query.step)
    measure = windows.histogram_samples if metric.preset is MetricPreset.LATENCY else windows.count_samples
    return measure(series, start=query.start, end=query.end, step=query.step)


def past(metric: Metric, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
    """What the stable arm did before. Raises UnexpectedAnswer."""
    return windows.history(
        _series(answer, arms),
        kind="mean" if metric.mean else "latency" if metric.preset is MetricPreset.LATENCY else "count",
        start=query.start,
        end=query.end,
        step=query.step,
    )


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
        merged = _sum(merged, sample)
    return merged


def _sum(first: Sample, second: Sample) -> Sample:
    match first, second:
        case CountSample(), CountSample():
            return CountSample(first.na + second.na, first.ka + second.ka, first.nb + second.nb, first.kb + second.kb)
        case HistogramSample(), HistogramSample() if first.edges == second.edges:
            return HistogramSample(
                first.edges,
                [a + b for a, b in zip(first.candidate, second.candidate, strict=True)],
                [a + b for a, b in zip(first.stable, second.stable, strict=True)],
            )
        case MeanSample(), MeanSample():
            na, nb = first.na + second.na, first.nb + second.nb
            sums = (
                first.na * first.mean_a + second.na * second.mean_a,
                first.nb * first.mean_b + second.nb * second.mean_b,
            )
            return MeanSample(na, sums[0] / na if na else 0.0, nb, sums[1] / nb if nb else 0.0)
        case ValueSample(), ValueSample():
            return second
        case _:
            return NoEvidence(NoEvidenceReason.EDGES_CHANGED, "two windows cannot be added up")


def _series(answer: Answer, arms: Arms) -> list[PodSeries]:
    found: dict[tuple[str, str, str], PodSeries] = {}
    for labels, points in answer.series:
        arm, role = arms.get(labels.get(REVISION_LABEL, "")), labels.get("role") or labels.get("le")
        if arm is None:
            raise UnexpectedAnswer(f"a series is of neither revision: {_shown(labels)}")
        if role is None:
            raise UnexpectedAnswer(f"a series has neither `role` nor `le`: {_shown(labels)}")
        key = (arm, labels.get("pod", ""), role)
        if key in found:
            raise UnexpectedAnswer(f"several series where one was expected: {_shown(labels)}; sum by pod")
        found[key] = PodSeries("candidate" if arm == "candidate" else "stable", key[1], role, points)
    return list(found.values())


def _values(answer: Answer, query: MetricQuery) -> Sampled:
    """One number per window: the value at its end."""
    if len(answer.series) > 1:
        raise UnexpectedAnswer(f"{len(answer.series)} series where one number was expected; aggregate them")
    points = dict(answer.series[0][1]) if answer.series else {}
    ticks = round((query.end - query.start) / query.step)
    times = [query.start + tick * query.step for tick in range(ticks + 1)]
    nothing = NoEvidence(NoEvidenceReason.NO_SERIES, "the query gave no value")
    return [
        (Window(begin, end), ValueSample(points[end]) if end in points else nothing) for begin, end in pairwise(times)
    ]


def _shown(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items())[:6]) + "}"
