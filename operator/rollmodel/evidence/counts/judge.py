"""All count metrics of a rollout as one batch: their two tests and their ceilings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any, Self

import numpy as np

from rollmodel.evidence import glaring, levels
from rollmodel.evidence.core.arrays import Array, Mask, array, from_plain, select, stack, to_plain
from rollmodel.evidence.core.evalue import HIGH, Margin, Pair, margin, tick
from rollmodel.evidence.core.opinion import MetricOpinion, Step, finite
from rollmodel.evidence.core.samples import CountSample, NoEvidence, Sample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan, MetricReport
from rollmodel.evidence.counts import guardrail
from rollmodel.evidence.counts import model as counts
from rollmodel.evidence.counts.baseline import Baseline, from_history, unknown
from rollmodel.evidence.counts.guardrail import GuardrailConfig, GuardrailState
from rollmodel.evidence.counts.interval import ratio_interval, seconds_to_harm, seconds_to_safe
from rollmodel.evidence.counts.model import CountConfig, CountState
from rollmodel.evidence.noise.noise import teaching_windows

__all__ = ["CountJudge"]


@dataclass(frozen=True, slots=True)
class CountJudge:
    """Configuration and state of m count metrics, each array [m].

    Frozen: ``baseline`` and ``weights`` (prior of the harm alternatives), of which ``config`` and ``ceilings`` are
    made. ``proven`` (0 or 1) latches proof of safety; ``seconds_without_data`` are seconds without evidence.
    """

    metrics: tuple[MetricPlan, ...]
    plan: JudgePlan
    baseline: Baseline
    weights: Array
    config: CountConfig
    state: CountState
    ceilings: GuardrailConfig
    ceiling: GuardrailState
    proven: Array
    seconds_without_data: Array

    @property
    def alone(self) -> bool:
        """Whether there is no stable arm: then only the ceilings are judged."""
        return self.plan.candidate_share >= 1

    @classmethod
    def begin(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], history: Mapping[str, MetricHistory]) -> Self:
        """Freeze the policy over the stable arm's past."""
        known = [
            from_history(history.get(m.name, MetricHistory()), share=plan.candidate_share, interval=plan.interval)
            for m in metrics
        ]
        baseline = stack([b for b, _ in known])
        weights = _weights(plan, metrics, baseline, array([requests for _, requests in known]))
        none = np.zeros(len(metrics))
        config, ceilings = _config(plan, metrics, baseline, weights), _ceilings(plan, metrics)
        state, level = counts.begin(config, baseline), guardrail.begin(ceilings)
        return cls(tuple(metrics), plan, baseline, weights, config, state, ceilings, level, none, none)

    def refused(self, samples: Mapping[str, Sample]) -> Mapping[str, NoEvidence]:
        """None: any sound counts are accepted."""
        del samples
        return {}

    def observe(self, samples: Mapping[str, Sample], step: Step) -> Self:
        """The judge after one window. One in which the weight changed is used for ceilings only."""
        found = [samples.get(m.name) for m in self.metrics]
        rows = [(s.na, s.ka, s.nb, s.kb) if isinstance(s, CountSample) else (0.0, 0.0, 0.0, 0.0) for s in found]
        now = tick(*zip(*rows, strict=True))
        has_data = (now.na > 0) if self.alone else (now.na > 0) & (now.nb > 0)
        phi = counts.dispersion(self.config, self.state)
        ceilings = guardrail.update(self.ceilings, self.ceiling, now, phi, step.seconds)
        state = counts.drop_held(self.state) if step.moved else self.state
        if has_data.any() and not step.moved:
            state = select(has_data, counts.update(self.config, state, now, seconds=step.seconds), state)
        return replace(
            self,
            state=state,
            ceiling=ceilings,
            proven=np.maximum(self.proven, self._safe(state, ceilings)),
            seconds_without_data=np.where(has_data, 0.0, self.seconds_without_data + step.elapsed),
        )

    def _safe(self, state: CountState, ceilings: GuardrailState) -> Array:
        if not self.alone:
            return np.where(counts.log_safe(state) >= self.config.safe_level, 1.0, 0.0)
        limited = [m.ceiling is not None for m in self.metrics]
        return np.where(np.array(limited) & guardrail.below(self.ceilings, ceilings), 1.0, 0.0)

    def log_harm(self) -> Mapping[str, float]:
        """Log of the e-process against harm; nothing without a stable arm."""
        if self.alone:
            return {}
        return {m.name: float(x) for m, x in zip(self.metrics, counts.log_harm(self.state), strict=True)}

    def breached(self) -> Sequence[str]:
        """Metrics whose ceiling the candidate breaks and the stable arm does not."""
        return self._limited(guardrail.breached(self.ceilings, self.ceiling))

    def _limited(self, mask: Mask) -> list[str]:
        return [m.name for m, hit in zip(self.metrics, mask, strict=True) if hit and m.ceiling is not None]

    def opinions(self) -> Sequence[MetricOpinion]:
        """What each metric says now."""
        shared = self._limited(guardrail.shared(self.ceilings, self.ceiling))
        return [
            MetricOpinion(
                report=report,
                seconds_without_data=float(self.seconds_without_data[i]),
                proven_safe=bool(self.proven[i]),
                shared=report.name in shared,
                below_margin=self._below_margin(i, report),
            )
            for i, report in enumerate(self._reports())
        ]

    def _reports(self) -> list[MetricReport]:
        log_harm, log_safe = counts.log_harm(self.state), counts.log_safe(self.state)
        breached = self.breached()
        interval = ratio_interval(self.config, self.state)
        to_harm = seconds_to_harm(self.config, self.state, self.plan.interval)
        to_safe = seconds_to_safe(self.config, self.state, self.plan.interval)
        phi = counts.dispersion(self.config, self.state)
        harmful = log_harm >= self.config.harm_level
        learning = teaching_windows(self.state.contrast.ticks, self.config.teach)
        guards = glaring.words(self.state.guard, self.config.harm_level, learning)
        return [
            MetricReport(
                name=metric.name,
                verdict=_verdict(metric.name in breached, bool(harmful[i]), bool(self.proven[i])),
                e_harm=None if self.alone else exp(log_harm[i]),
                e_safe=None if self.alone else exp(log_safe[i]),
                ratio=finite(interval.ratio[i]),
                low=finite(interval.low[i]),
                high=finite(interval.high[i]),
                na=float(self.state.na[i]),
                ka=float(self.state.ka[i]),
                nb=float(self.state.nb[i]),
                kb=float(self.state.kb[i]),
                dispersion=float(phi[i]),
                seconds_to_harm=None if self.alone or learning[i] else finite(to_harm[i]),
                seconds_to_safe=None if self.alone or learning[i] else finite(to_safe[i]),
                learning=None if self.alone else learning[i],
                guard=None if self.alone else guards[i],
                pace=float(self.state.pace_a[i] + self.state.pace_b[i]),
            )
            for i, metric in enumerate(self.metrics)
        ]

    def _below_margin(self, i: int, report: MetricReport) -> bool:
        if report.high is None:
            return False
        rate = self.state.guess_bad[i] / self.state.guess_total[i]
        return bool(report.high * rate < self.config.safe_ratio[i] * rate + self.config.safe_absolute[i])

    def plain(self) -> Any:
        """The state, for JSON."""
        rest = (self.ceiling, self.proven, self.seconds_without_data)
        return [
            to_plain(self.baseline),
            to_plain(self.weights),
            glaring.without_absent(self.state, self.state.guard),
            *(to_plain(x) for x in rest),
        ]

    @classmethod
    def from_plain(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], data: Any) -> Self:
        """The judge that :meth:`plain` wrote. Raises ValueError."""
        baseline, weights, state, level, proven, seconds_without_data = data
        none = np.zeros(len(metrics))
        known = from_plain(unknown(none.shape), baseline)
        prior = from_plain(np.zeros((len(metrics), len(counts.HARM_WEIGHTS))), weights)
        config, ceilings = _config(plan, metrics, known, prior), _ceilings(plan, metrics)
        begun = counts.begin(config, known)
        return cls(
            metrics=tuple(metrics),
            plan=plan,
            baseline=known,
            weights=prior,
            config=config,
            state=glaring.with_absent(begun, begun.guard, state),
            ceilings=ceilings,
            ceiling=from_plain(guardrail.begin(ceilings), level),
            proven=from_plain(none, proven),
            seconds_without_data=from_plain(none, seconds_without_data),
        )


def _weights(plan: JudgePlan, metrics: Sequence[MetricPlan], baseline: Baseline, requests: Array) -> Array:
    """Priors of the harm alternatives, [m, 7]: tuned to the planned traffic where the volume is known."""
    share = min(plan.candidate_share, 0.999)
    traffic = Pair(share * requests, (1.0 - share) * requests)
    harm, level = _lines(metrics)[0], levels.of_metrics(plan, metrics).harm
    tuned = counts.tuned_weights(baseline, harm, level, traffic=traffic, planned_ticks=plan.planned_ticks)
    return np.where(requests[:, None] > 0, tuned, counts.HARM_WEIGHTS)


def _config(plan: JudgePlan, metrics: Sequence[MetricPlan], baseline: Baseline, weights: Array) -> CountConfig:
    harm, safe = _lines(metrics)
    return counts.configure(baseline, harm=harm, safe=safe, levels=levels.of_metrics(plan, metrics), weights=weights)


def _lines(metrics: Sequence[MetricPlan]) -> tuple[Margin, Margin]:
    harm = margin([m.harm_ratio for m in metrics], [m.harm_absolute for m in metrics])
    return harm, margin([m.safe_ratio for m in metrics], [m.safe_absolute for m in metrics])


def _ceilings(plan: JudgePlan, metrics: Sequence[MetricPlan]) -> GuardrailConfig:
    """A metric without a ceiling gets the highest possible one, which nothing breaks."""
    limited = sum(m.ceiling is not None for m in metrics)
    limits = [HIGH if m.ceiling is None else m.ceiling for m in metrics]
    return guardrail.configure(limits, levels.of_ceilings(plan, limited))


def _verdict(breached: bool, harmful: bool, proven: bool) -> Any:
    if breached:
        return "Breached"
    if harmful:
        return "Harmful"
    return "ProvenSafe" if proven else "Undecided"
