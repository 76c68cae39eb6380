"""All latency metrics of a rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, Self

import numpy as np

from rollmodel.evidence import multiplicity
from rollmodel.evidence.core.arrays import Array, array, from_plain, to_plain
from rollmodel.evidence.core.checks import edges_problem
from rollmodel.evidence.core.evalue import Pair, margin
from rollmodel.evidence.core.mixture import windows_to_decide
from rollmodel.evidence.core.opinion import MetricOpinion, Step, finite
from rollmodel.evidence.core.types import (
    HistogramSample,
    JudgePlan,
    MetricHistory,
    MetricPlan,
    MetricReport,
    NoEvidence,
    NoEvidenceReason,
    Sample,
)
from rollmodel.evidence.latency import bins
from rollmodel.evidence.latency import model as latency
from rollmodel.evidence.latency import report as latency_report
from rollmodel.evidence.latency.bins import LatencyConfig
from rollmodel.evidence.latency.model import LatencyState
from rollmodel.evidence.noise import latency_noise
from rollmodel.evidence.noise.dispersion import Prior
from rollmodel.evidence.noise.noise import LEAST_SECONDS, TEACHING_TICKS, placebo_split, teaching_windows

__all__ = ["LatencyJudge"]

#: Without history the stable curve is learnt from the first ticks: so many, and so many requests.
LEARNING_TICKS, LEARNING_REQUESTS = 10.0, 300.0


@dataclass(frozen=True, slots=True)
class Learning:
    """A metric without history: stable requests per bucket so far; no ``edges`` before the first window."""

    edges: Array
    counts: Array
    ticks: float


@dataclass(frozen=True, slots=True)
class Judging:
    """A metric with a frozen past: the stable requests per bucket [B + 1] behind ``config``, and the state."""

    edges: Array
    counts: Array
    config: LatencyConfig
    state: LatencyState


@dataclass(frozen=True, slots=True)
class LatencyJudge:
    """Each metric on its own; ``seconds_without_data`` [m] are seconds without evidence."""

    metrics: tuple[MetricPlan, ...]
    plan: JudgePlan
    each: tuple[Learning | Judging, ...]
    seconds_without_data: Array

    @classmethod
    def begin(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], history: Mapping[str, MetricHistory]) -> Self:
        """Freeze edges and noise over the stable arm's past."""
        each = tuple(_begin(plan, m, history.get(m.name, MetricHistory())) for m in metrics)
        return cls(tuple(metrics), plan, each, np.zeros(len(metrics)))

    def refused(self, samples: Mapping[str, Sample]) -> dict[str, NoEvidence]:
        """Histograms with other edges than the ones that were frozen."""
        return {
            metric.name: NoEvidence(NoEvidenceReason.EDGES_CHANGED, f"edges are {sample.edges}, not as at the begin")
            for metric, one in zip(self.metrics, self.each, strict=True)
            if isinstance(sample := samples.get(metric.name), HistogramSample)
            and len(one.edges)
            and not _same(one.edges, sample.edges)
        }

    def observe(self, samples: Mapping[str, Sample], step: Step) -> Self:
        """The judge after one window of sound samples."""
        each, seconds_without_data = list(self.each), self.seconds_without_data + step.elapsed
        for i, metric in enumerate(self.metrics):
            one, sample = each[i], samples.get(metric.name)
            if step.moved and isinstance(one, Judging):
                each[i] = replace(one, state=latency.drop_held(one.state))
            if isinstance(sample, HistogramSample):
                seconds_without_data[i] = 0.0
                if not step.moved:
                    each[i] = _observe(self.plan, metric, one, sample, step.seconds)
        return replace(self, each=tuple(each), seconds_without_data=seconds_without_data)

    def log_harm(self) -> Mapping[str, float]:
        """Log of the e-process against harm; 0 while the curve is learnt."""
        return {
            metric.name: float(latency.log_harm(one.state)) if isinstance(one, Judging) else 0.0
            for metric, one in zip(self.metrics, self.each, strict=True)
        }

    def breached(self) -> Sequence[str]:
        """None: latency has no ceiling of its own; count the requests slower than a limit instead."""
        return ()

    def opinions(self) -> Sequence[MetricOpinion]:
        """What each metric says now."""
        return [
            _opinion(self.plan, metric, one, float(seconds_without_data))
            for metric, one, seconds_without_data in zip(
                self.metrics, self.each, self.seconds_without_data, strict=True
            )
        ]

    def plain(self) -> Any:
        """The state, for JSON."""
        return [[_plain(one) for one in self.each], to_plain(self.seconds_without_data)]

    @classmethod
    def from_plain(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], data: Any) -> Self:
        """The judge that :meth:`plain` wrote. Raises ValueError."""
        rows, seconds_without_data = data
        each = tuple(_from_plain(plan, m, row) for m, row in zip(metrics, rows, strict=True))
        return cls(tuple(metrics), plan, each, from_plain(np.zeros(len(metrics)), seconds_without_data))


def _begin(plan: JudgePlan, metric: MetricPlan, history: MetricHistory) -> Learning | Judging:
    pods = {name: positive(history.edges, array(samples)) for name, samples in history.pods.items() if len(samples)}
    if not pods or edges_problem(history.edges):
        return Learning(np.zeros(0), np.zeros(0), 0.0)
    total = np.sum(list(pods.values()), axis=0)
    if total.sum() < LEARNING_REQUESTS:
        return Learning(np.zeros(0), np.zeros(0), 0.0)
    judging = _judging(plan, metric, array([edge for edge in history.edges if edge > 0]), total.sum(axis=0))
    return replace(judging, config=_with_noise(plan, judging.config, pods, total))


def _with_noise(plan: JudgePlan, config: LatencyConfig, pods: Mapping[str, Array], total: Array) -> LatencyConfig:
    """The configuration with what the stable pods' ticks [T, B + 1] say about noise."""
    if len(total) * plan.interval < LEAST_SECONDS:
        return latency_noise.unknown(config, TEACHING_TICKS)
    chosen = placebo_split(pods, plan.candidate_share)
    if not chosen:
        return latency_noise.from_total(config, total)
    pretended = np.sum([pods[name] for name in chosen], axis=0)
    return latency_noise.from_split(config, Pair(pretended, total - pretended))


def _judging(plan: JudgePlan, metric: MetricPlan, edges: Array, counts: Array) -> Judging:
    """A metric at its begin, over this stable histogram."""
    share = multiplicity.weights(plan.metrics)[metric.name]
    config = bins.configure(
        edges,
        counts,
        harm=margin(metric.harm_ratio, metric.harm_absolute),
        safe=margin(metric.safe_ratio, metric.safe_absolute),
        harm_level=-log(plan.alpha_harm * share),
        safe_level=-log(plan.alpha_safe),
        joint_level=-log(plan.alpha_harm),
        planned_seconds=plan.planned_ticks * plan.interval,
        windows=windows_to_decide(plan.interval),
    )
    return Judging(edges, counts, config, latency.begin(config))


def _observe(
    plan: JudgePlan, metric: MetricPlan, one: Learning | Judging, sample: HistogramSample, seconds: float
) -> Learning | Judging:
    candidate, stable = (positive(sample.edges, array(arm)) for arm in (sample.candidate, sample.stable))
    if isinstance(one, Judging):
        return replace(one, state=latency.update(one.config, one.state, Pair(candidate, stable), seconds=seconds))
    edges = array([edge for edge in sample.edges if edge > 0])
    counts, ticks = (one.counts if len(one.edges) else 0.0) + stable, one.ticks + 1.0
    if ticks < LEARNING_TICKS or counts.sum() < LEARNING_REQUESTS:
        return Learning(edges, counts, ticks)
    judging = _judging(plan, metric, edges, counts)
    return replace(judging, config=latency_noise.unknown(judging.config, TEACHING_TICKS - LEARNING_TICKS))


def _same(edges: Array, other: Sequence[float]) -> bool:
    positive_ones = [edge for edge in other if edge > 0]
    return len(edges) == len(positive_ones) and bool(np.allclose(edges, positive_ones, rtol=1e-6))


def positive(edges: Sequence[float], counts: Array) -> Array:
    """Buckets [..., B + 1] with all bounds up to 0 taken away: a time is positive."""
    first = sum(edge <= 0 for edge in edges)
    return np.concatenate([counts[..., : first + 1].sum(axis=-1, keepdims=True), counts[..., first + 1 :]], axis=-1)


def _opinion(
    plan: JudgePlan, metric: MetricPlan, one: Learning | Judging, seconds_without_data: float
) -> MetricOpinion:
    if isinstance(one, Learning):
        message = f"learns the stable latencies: {one.ticks:g} of {LEARNING_TICKS:g} windows"
        seen = (int(one.ticks), int(TEACHING_TICKS))
        report = MetricReport(metric.name, "Undecided", message=message, learning=seen)
        return MetricOpinion(report, seconds_without_data)
    config, state = one.config, one.state
    log_harm, log_safe = float(latency.log_harm(state)), float(latency.log_safe(state))
    proven = bool((state.proven > 0).all())
    slow_a, slow_b = latency_report.slow(config, state)
    learning = teaching_windows(state.noise.ticks.ravel()[:1], np.ravel(config.teach)[:1])[0]
    report = MetricReport(
        name=metric.name,
        verdict="Harmful" if log_harm >= config.harm_level else "ProvenSafe" if proven else "Undecided",
        e_harm=exp(log_harm),
        e_safe=exp(log_safe),
        ratio=latency_report.time_factor(config, state),
        na=float(state.total_a.sum()),
        ka=slow_a,
        nb=float(state.total_b.sum()),
        kb=slow_b,
        dispersion=float(latency.dispersions(config, state).max()),
        seconds_to_harm=None if learning else finite(latency_report.seconds_to_harm(config, state, plan.interval)),
        seconds_to_safe=None if learning else finite(latency_report.seconds_to_safe(config, state, plan.interval)),
        learning=learning,
        message=f"counted as bad: slower than {config.gates[-1]:g} s",
    )
    return MetricOpinion(report, seconds_without_data, proven_safe=proven, below_margin=proven)


def _plain(one: Learning | Judging) -> Any:
    if isinstance(one, Learning):
        return ["learning", to_plain(one.edges), to_plain(one.counts), one.ticks]
    noise = (one.config.prior, one.config.merge, one.config.teach)
    return ["judging", *(to_plain(x) for x in (one.edges, one.counts, *noise, one.state))]


def _from_plain(plan: JudgePlan, metric: MetricPlan, row: Any) -> Learning | Judging:
    kind, edges, counts, *rest = row
    known, size = from_plain(np.zeros(len(edges)), edges), len(edges) + 1 if edges else 0
    seen = from_plain(np.zeros(size), counts)
    if kind == "learning":
        return Learning(known, seen, float(rest[0]))
    prior, merge, teach, state = rest
    judging = _judging(plan, metric, known, seen)
    pair, zero = np.zeros(2), np.zeros(())
    config = replace(
        judging.config,
        prior=from_plain(Prior(pair, pair, pair), prior),
        merge=from_plain(zero, merge),
        teach=from_plain(zero, teach),
    )
    return replace(judging, config=config, state=from_plain(judging.state, state))
