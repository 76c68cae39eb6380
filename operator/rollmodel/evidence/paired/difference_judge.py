"""All metrics of a rollout that limit the mean difference of pairs, as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, Self

import numpy as np

from rollmodel.evidence import multiplicity
from rollmodel.evidence.core.arrays import Array, array, from_plain, to_plain
from rollmodel.evidence.core.mixture import log_total, release_seconds, windows_to_decide
from rollmodel.evidence.core.opinion import MetricOpinion, Step, finite
from rollmodel.evidence.core.samples import NoEvidence, Sample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan, MetricReport
from rollmodel.evidence.paired import differences
from rollmodel.evidence.paired.differences import Batch, DifferenceConfig, DifferenceState
from rollmodel.evidence.paired.judge import copies_ended, verdict_of

__all__ = ["DifferenceJudge"]


@dataclass(frozen=True, slots=True)
class DifferenceJudge:
    """Configuration and state of m metrics; ``proven`` latches proof of safety. Without copies nobody waits."""

    metrics: tuple[MetricPlan, ...]
    plan: JudgePlan
    config: DifferenceConfig
    state: DifferenceState
    proven: Array
    seconds_without_data: Array

    @classmethod
    def begin(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], history: Mapping[str, MetricHistory]) -> Self:
        """Pairs have no past."""
        del history
        config, none = _config(plan, metrics), np.zeros(len(metrics))
        return cls(tuple(metrics), plan, config, differences.begin(config), none, none)

    def refused(self, samples: Mapping[str, Sample]) -> Mapping[str, NoEvidence]:
        """None: any sound pairs are accepted."""
        del samples
        return {}

    def observe(self, samples: Mapping[str, Sample], step: Step) -> Self:
        """The judge after one window. Both answers are to the same request, so a weight that moves is no matter."""
        found = [samples.get(m.name) for m in self.metrics]
        pairs, total, squares = (array([getattr(s, f, 0.0) for s in found]) for f in ("pairs", "total", "squares"))
        state = differences.update(self.config, self.state, Batch(pairs, total, squares), step.seconds)
        ended = np.array([copies_ended(sample) for sample in found])
        waited = np.where(ended, self.seconds_without_data, self.seconds_without_data + step.elapsed)
        return replace(
            self,
            state=state,
            proven=np.where(differences.log_safe(state) >= self.config.safe_level, 1.0, self.proven),
            seconds_without_data=np.where(pairs > 0, 0.0, waited),
        )

    def log_harm(self) -> Mapping[str, float]:
        """Log of the e-process against harm."""
        return {m.name: float(x) for m, x in zip(self.metrics, log_total(self.state.harm), strict=True)}

    def breached(self) -> Sequence[str]:
        """None: the limit is tested, not read off."""
        return ()

    def opinions(self) -> Sequence[MetricOpinion]:
        """What each metric says now. ``ratio`` and its limits are sizes in parts of the limit."""
        harm, safe = log_total(self.state.harm), differences.log_safe(self.state)
        to_harm, to_safe = differences.seconds(self.config, self.state, self.plan.interval)
        phi = differences.dispersion(self.state)
        found = []
        for i, metric in enumerate(self.metrics):
            n, total, squares, limit = (
                float(x[i]) for x in (self.state.pairs, self.state.total, self.state.squares, self.config.limit)
            )
            low, high = differences.limits_of_mean(n, total, squares, float(phi[i]))
            nearest, farthest = max(low, -high, 0.0), max(-low, high)
            report = MetricReport(
                name=metric.name,
                verdict=verdict_of(float(harm[i] - self.config.harm_level[i]), proven=bool(self.proven[i])),
                e_harm=exp(harm[i]),
                e_safe=exp(safe[i]),
                ratio=abs(total / n) / limit if n else None,
                low=nearest / limit if n else None,
                high=farthest / limit if n else None,
                na=n,
                value=total / n * metric.value_scale if n else None,
                dispersion=float(phi[i]),
                seconds_to_harm=finite(to_harm[i]),
                seconds_to_safe=finite(to_safe[i]),
                message=_message(metric, n, total, (low, high)),
                unit="pairs",
            )
            found.append(
                MetricOpinion(
                    report,
                    float(self.seconds_without_data[i]),
                    proven_safe=bool(self.proven[i]),
                    below_margin=bool(n) and farthest < limit,
                )
            )
        return found

    def plain(self) -> Any:
        """The state, for JSON."""
        return [to_plain(self.state), to_plain(self.proven), to_plain(self.seconds_without_data)]

    @classmethod
    def from_plain(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], data: Any) -> Self:
        """The judge that :meth:`plain` wrote. Raises ValueError."""
        state, proven, waited = data
        config, none = _config(plan, metrics), np.zeros(len(metrics))
        known = from_plain(differences.begin(config), state)
        return cls(tuple(metrics), plan, config, known, from_plain(none, proven), from_plain(none, waited))


def _config(plan: JudgePlan, metrics: Sequence[MetricPlan]) -> DifferenceConfig:
    share = multiplicity.weights(plan.metrics)
    return differences.configure(
        array([m.value_max or 0.0 for m in metrics]),
        harm_level=-np.log([plan.alpha_harm * share[m.name] for m in metrics]),
        safe_level=-log(plan.alpha_safe),
        joint_level=-log(plan.alpha_harm),
        release=release_seconds(plan.planned_ticks * plan.interval),
        windows=windows_to_decide(plan.interval),
    )


def _message(metric: MetricPlan, n: float, total: float, limits: tuple[float, float]) -> str:
    most = f"{(metric.value_max or 0.0) * metric.value_scale:.3g}"
    if not n:
        return f"no pairs yet; answers may differ by {most} on average"
    mean, low, high = (value * metric.value_scale for value in (total / n, *limits))
    return f"the candidate answers {mean:+.3g} on average ({low:+.3g} .. {high:+.3g}); at most {most} either way may be"
