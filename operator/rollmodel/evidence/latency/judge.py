"""All latency metrics of a rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any, Self

import numpy as np

from rollmodel.evidence import glaring, levels
from rollmodel.evidence.core.arrays import Array, from_plain, to_plain
from rollmodel.evidence.core.mixture import Wealth
from rollmodel.evidence.core.opinion import MetricOpinion, Step, finite
from rollmodel.evidence.core.samples import HistogramSample, NoEvidence, NoEvidenceReason, Sample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan, MetricReport
from rollmodel.evidence.latency import model as latency
from rollmodel.evidence.latency import phases
from rollmodel.evidence.latency import report as latency_report
from rollmodel.evidence.latency.phases import Judging, Learning
from rollmodel.evidence.noise.noise import TEACHING_TICKS

__all__ = ["LatencyJudge"]


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
        each = tuple(phases.begin(plan, m, history.get(m.name, MetricHistory())) for m in metrics)
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
                    each[i] = phases.observe(self.plan, metric, one, sample, step.seconds)
        return replace(self, each=tuple(each), seconds_without_data=seconds_without_data)

    def log_harm(self) -> Mapping[str, float]:
        """Log of the e-process against harm."""
        return {metric.name: phases.log_harm(one) for metric, one in zip(self.metrics, self.each, strict=True)}

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
        return [[phases.plain(one) for one in self.each], to_plain(self.seconds_without_data)]

    @classmethod
    def from_plain(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], data: Any) -> Self:
        """The judge that :meth:`plain` wrote. Raises ValueError."""
        rows, seconds_without_data = data
        each = tuple(phases.read(plan, m, row) for m, row in zip(metrics, rows, strict=True))
        return cls(tuple(metrics), plan, each, from_plain(np.zeros(len(metrics)), seconds_without_data))


def _same(edges: Array, other: Sequence[float]) -> bool:
    positive_ones = [edge for edge in other if edge > 0]
    return len(edges) == len(positive_ones) and bool(np.allclose(edges, positive_ones, rtol=1e-6))


def _opinion(
    plan: JudgePlan, metric: MetricPlan, one: Learning | Judging, seconds_without_data: float
) -> MetricOpinion:
    level = levels.of_metric(plan, metric).harm
    log_harm, learning = phases.log_harm(one), _learning(one)
    proven = isinstance(one, Judging) and bool((one.state.proven > 0).all())
    report = MetricReport(
        name=metric.name,
        verdict="Harmful" if log_harm >= level else "ProvenSafe" if proven else "Undecided",
        e_harm=exp(log_harm),
        learning=learning,
        guard=glaring.words(_row(one.guard.wealth), level[None], [learning])[0],
    )
    report = _learnt_so_far(metric, one, report) if isinstance(one, Learning) else _seen(one, report, plan.interval)
    return MetricOpinion(report, seconds_without_data, proven_safe=proven, below_margin=proven)


def _learnt_so_far(metric: MetricPlan, one: Learning, report: MetricReport) -> MetricReport:
    """The report with what the guard has seen while the curve is learnt."""
    na, ka, nb, kb = (float(x) for x in (one.guard.na, one.guard.ka, one.guard.nb, one.guard.kb))
    return replace(report, na=na, ka=ka, nb=nb, kb=kb, message=phases.words(metric, one))


def _seen(one: Judging, report: MetricReport, interval: float) -> MetricReport:
    """The report with what was seen over the curve, and how long a decision still takes."""
    config, state = one.config, one.state
    slow_a, slow_b = latency_report.slow(config, state)
    judges = report.learning is None
    return replace(
        report,
        e_safe=exp(float(latency.log_safe(state))),
        ratio=latency_report.time_factor(config, state),
        na=float(state.total_a.sum()),
        ka=slow_a,
        nb=float(state.total_b.sum()),
        kb=slow_b,
        dispersion=float(latency.dispersions(config, state).max()),
        seconds_to_harm=finite(latency_report.seconds_to_harm(config, state, interval)) if judges else None,
        seconds_to_safe=finite(latency_report.seconds_to_safe(config, state, interval)) if judges else None,
        message=f"counted as bad: slower than {config.gates[-1]:g} s",
        pace=float(state.pace_a + state.pace_b),
    )


def _learning(one: Learning | Judging) -> tuple[int, int] | None:
    """Windows that taught, of both phases together; None once that is over."""
    if isinstance(one, Learning):
        return int(one.ticks), int(TEACHING_TICKS)
    ticks, teach = float(one.state.noise.ticks[..., 0]), float(one.config.teach)
    return (int(TEACHING_TICKS - teach + ticks), int(TEACHING_TICKS)) if ticks < teach else None


def _row(wealth: Wealth) -> Wealth:
    """As a batch of one metric."""
    return Wealth(wealth.log[None], wealth.reserve[None])
