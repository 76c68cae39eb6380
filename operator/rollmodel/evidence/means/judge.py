"""All mean metrics of a rollout as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, nan
from typing import Any, Self

import numpy as np

from rollmodel.evidence import glaring, levels
from rollmodel.evidence.core.arrays import Array, array, from_plain, stack, to_plain
from rollmodel.evidence.core.evalue import margin
from rollmodel.evidence.core.mixture import ticks_to_level
from rollmodel.evidence.core.opinion import MetricOpinion, Step, finite
from rollmodel.evidence.core.samples import MeanSample, NoEvidence, Sample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan, MetricReport
from rollmodel.evidence.counts.interval import Interval, confidence_sequence
from rollmodel.evidence.means import model as means
from rollmodel.evidence.means.model import MeanConfig, MeanState, MeanTick
from rollmodel.evidence.means.past import MeanPast, from_history
from rollmodel.evidence.noise.dispersion import Prior
from rollmodel.evidence.noise.noise import teaching_windows

__all__ = ["MeanJudge"]

NOTHING = (0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class MeanJudge:
    """Configuration and state of m mean metrics; ``proven`` latches proof of safety."""

    metrics: tuple[MetricPlan, ...]
    plan: JudgePlan
    config: MeanConfig
    state: MeanState
    proven: Array
    seconds_without_data: Array

    @classmethod
    def begin(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], history: Mapping[str, MetricHistory]) -> Self:
        """Freeze the policy over the stable arm's past."""
        past = stack(
            [
                from_history(history.get(m.name, MetricHistory()), share=plan.candidate_share, interval=plan.interval)
                for m in metrics
            ]
        )
        config, none = _config(plan, metrics, past), np.zeros(len(metrics))
        return cls(tuple(metrics), plan, config, means.begin(config, past), none, none)

    def refused(self, samples: Mapping[str, Sample]) -> Mapping[str, NoEvidence]:
        """None: any sound means are accepted."""
        del samples
        return {}

    def observe(self, samples: Mapping[str, Sample], step: Step) -> Self:
        """The judge after one window; one in which the weight changed compares nothing."""
        found = [samples.get(m.name) for m in self.metrics]
        rows = [_row(s) if isinstance(s, MeanSample) else NOTHING for s in found]
        now = MeanTick(*array(rows).T)
        state = self.state if step.moved else means.update(self.config, self.state, now, seconds=step.seconds)
        crossed = means.log_safe(state) >= self.config.safe_level
        return replace(
            self,
            state=state,
            proven=np.where(crossed, 1.0, self.proven),
            seconds_without_data=np.where((now.na > 0) & (now.nb > 0), 0.0, self.seconds_without_data + step.elapsed),
        )

    def log_harm(self) -> Mapping[str, float]:
        """Log of the e-process against harm."""
        return {m.name: float(x) for m, x in zip(self.metrics, means.log_harm(self.state), strict=True)}

    def breached(self) -> Sequence[str]:
        """None: a mean has no ceiling."""
        return ()

    def opinions(self) -> Sequence[MetricOpinion]:
        """What each metric says now."""
        interval = _interval(self.config, self.state)
        reports = self._reports(interval)
        below = _below_margin(self.config, self.state, interval)
        return [
            MetricOpinion(
                report,
                float(self.seconds_without_data[i]),
                proven_safe=bool(self.proven[i]),
                below_margin=bool(below[i]),
            )
            for i, report in enumerate(reports)
        ]

    def _reports(self, interval: Interval) -> list[MetricReport]:
        log_harm, log_safe = means.log_harm(self.state), means.log_safe(self.state)
        phi = means.dispersion(self.config, self.state)
        to_harm, to_safe = _seconds(self.config, self.state, self.plan.interval)
        harmful = log_harm >= self.config.harm_level
        learning = teaching_windows(self.state.noise.ticks, self.config.teach)
        guards = glaring.words(self.state.guard, self.config.harm_level, learning)
        return [
            MetricReport(
                name=metric.name,
                verdict="Harmful" if harmful[i] else "ProvenSafe" if self.proven[i] else "Undecided",
                e_harm=exp(log_harm[i]),
                e_safe=exp(log_safe[i]),
                ratio=finite(interval.ratio[i]),
                low=finite(interval.low[i]),
                high=finite(interval.high[i]),
                na=float(self.state.na[i]),
                nb=float(self.state.nb[i]),
                dispersion=float(phi[i]),
                seconds_to_harm=None if learning[i] else finite(to_harm[i]),
                seconds_to_safe=None if learning[i] else finite(to_safe[i]),
                learning=learning[i],
                guard=guards[i],
                pace=float(self.state.pace_a[i] + self.state.pace_b[i]),
                value=float(self.state.average_a[i]) if self.state.na[i] else None,
                message=f"means {self.state.average_a[i]:.4g} candidate, {self.state.average_b[i]:.4g} stable",
            )
            for i, metric in enumerate(self.metrics)
        ]

    def plain(self) -> Any:
        """The state, for JSON."""
        state = glaring.without_absent(self.state, self.state.guard)
        prior, teach = to_plain(self.config.prior), to_plain(self.config.teach)
        return [prior, teach, state, to_plain(self.proven), to_plain(self.seconds_without_data)]

    @classmethod
    def from_plain(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], data: Any) -> Self:
        """The judge that :meth:`plain` wrote. Raises ValueError."""
        prior, teach, state, proven, seconds_without_data = data
        none = np.zeros(len(metrics))
        known, ticks = from_plain(Prior(none, none, none), prior), from_plain(none, teach)
        past = MeanPast(none, none, none, known, ticks)
        config = _config(plan, metrics, past)
        begun = means.begin(config, past)
        return cls(
            tuple(metrics),
            plan,
            config,
            glaring.with_absent(begun, begun.guard, state),
            from_plain(none, proven),
            from_plain(none, seconds_without_data),
        )


def _row(sample: MeanSample) -> tuple[float, float, float, float, float]:
    """A sample as a :class:`MeanTick`, with the squared deviations within the arms where the squares are known."""
    within = nan
    if sample.squares_a is not None and sample.squares_b is not None:
        a, b = sample.na * sample.mean_a**2, sample.nb * sample.mean_b**2
        within = max(sample.squares_a - a, 0.0) + max(sample.squares_b - b, 0.0)
    return sample.na, sample.mean_a, sample.nb, sample.mean_b, within


def _config(plan: JudgePlan, metrics: Sequence[MetricPlan], past: MeanPast) -> MeanConfig:
    return means.configure(
        past,
        harm=margin([m.harm_ratio for m in metrics], [m.harm_absolute for m in metrics]),
        safe=margin([m.safe_ratio for m in metrics], [m.safe_absolute for m in metrics]),
        levels=levels.of_metrics(plan, metrics),
        sign=[1.0 if m.higher_is_worse else -1.0 for m in metrics],
    )


def _interval(config: MeanConfig, state: MeanState) -> Interval:
    """Ratio of the means with its confidence sequence, for positive means."""
    positive = (state.a > 0) & (state.b > 0) & (state.freedom > 0)
    middle = state.a / np.where(positive, state.b, 1.0)
    single = state.spread / np.maximum(state.freedom, 1.0)
    variance = single * (state.weight_a + middle**2 * state.weight_b) * means.dispersion(config, state)
    return confidence_sequence(middle, state.a, np.where(positive, variance, 0.0))


def _below_margin(config: MeanConfig, state: MeanState, interval: Interval) -> Array:
    stable = state.mean_sum / np.maximum(state.mean_count, 1e-9)
    worst = np.where(config.sign > 0, interval.high, interval.low)
    line = config.safe_ratio * stable + config.safe_absolute
    return np.asarray(config.sign * (worst * stable - line) < 0)


def _seconds(config: MeanConfig, state: MeanState, interval: float) -> tuple[Array, Array]:
    """Expected seconds to a proof of harm at the means seen so far, and of safety at equal means; inf for never."""
    seen = (state.pace_a > 0) & (state.pace_b > 0) & (state.freedom > 0)
    na, nb = (np.where(seen, x, 1.0) for x in (state.pace_a, state.pace_b))
    stable = state.mean_sum / np.maximum(state.mean_count, 1e-9)
    worse = np.where(state.b != 0, state.a / np.where(state.b != 0, state.b, 1.0), 1.0) * stable
    harm, _ = means.log_bets(config, state, MeanTick(na, worse, nb, stable, array(nan)))
    _, safe = means.log_bets(config, state, MeanTick(na, stable, nb, stable, array(nan)))
    to_harm = ticks_to_level(state.harm, harm, config.harm_level)
    to_safe = ticks_to_level(state.safe, safe, config.safe_level)
    return np.where(seen, to_harm, np.inf) * interval, np.where(seen, to_safe, np.inf) * interval
