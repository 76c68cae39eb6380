"""All paired metrics of a rollout as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, Literal, Self

import numpy as np

from rollmodel.evidence import multiplicity
from rollmodel.evidence.core.arrays import Array, array, from_plain, to_plain
from rollmodel.evidence.core.mixture import log_total, release_seconds, windows_to_decide
from rollmodel.evidence.core.opinion import MetricOpinion, Step, finite
from rollmodel.evidence.core.samples import NoEvidence, NoEvidenceReason, Sample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan, MetricReport
from rollmodel.evidence.core.words import percent
from rollmodel.evidence.paired import model as pairs
from rollmodel.evidence.paired.model import PairConfig, PairState

__all__ = ["PairJudge", "copies_ended", "verdict_of"]


@dataclass(frozen=True, slots=True)
class PairJudge:
    """Configuration and state of m paired metrics; ``proven`` latches proof of safety.

    Once requests are not copied any more there are no pairs: what was proven stays, and nobody waits for data.
    """

    metrics: tuple[MetricPlan, ...]
    plan: JudgePlan
    config: PairConfig
    state: PairState
    proven: Array
    seconds_without_data: Array

    @classmethod
    def begin(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], history: Mapping[str, MetricHistory]) -> Self:
        """Pairs have no past."""
        del history
        config, none = _config(plan, metrics), np.zeros(len(metrics))
        return cls(tuple(metrics), plan, config, pairs.begin(config), none, none)

    def refused(self, samples: Mapping[str, Sample]) -> Mapping[str, NoEvidence]:
        """None: any sound pairs are accepted."""
        del samples
        return {}

    def observe(self, samples: Mapping[str, Sample], step: Step) -> Self:
        """The judge after one window. Both answers are to the same request, so a weight that moves is no matter."""
        found = [samples.get(m.name) for m in self.metrics]
        total, differing = (array([getattr(s, f, 0.0) for s in found]) for f in ("pairs", "differing"))
        state = pairs.update(self.config, self.state, total, differing, step.seconds)
        ended = np.array([copies_ended(sample) for sample in found])
        waited = np.where(ended, self.seconds_without_data, self.seconds_without_data + step.elapsed)
        return replace(
            self,
            state=state,
            proven=np.where(log_total(state.safe) >= self.config.safe_level, 1.0, self.proven),
            seconds_without_data=np.where(total > 0, 0.0, waited),
        )

    def log_harm(self) -> Mapping[str, float]:
        """Log of the e-process against harm."""
        return {m.name: float(x) for m, x in zip(self.metrics, log_total(self.state.harm), strict=True)}

    def breached(self) -> Sequence[str]:
        """None: the limit is tested, not read off."""
        return ()

    def opinions(self) -> Sequence[MetricOpinion]:
        """What each metric says now."""
        harm, safe = log_total(self.state.harm), log_total(self.state.safe)
        to_harm, to_safe = pairs.seconds(self.config, self.state, self.plan.interval)
        phi = pairs.dispersion(self.state)
        found = []
        for i, metric in enumerate(self.metrics):
            n, k, limit = (float(x[i]) for x in (self.state.pairs, self.state.differing, self.config.limit))
            low, high = pairs.limits_of_share(n, k, float(phi[i]))
            report = MetricReport(
                name=metric.name,
                verdict=verdict_of(float(harm[i] - self.config.harm_level[i]), proven=bool(self.proven[i])),
                e_harm=exp(harm[i]),
                e_safe=exp(safe[i]),
                ratio=k / n / limit if n else None,
                low=low / limit if n else None,
                high=high / limit if n else None,
                na=n,
                ka=k,
                dispersion=float(phi[i]),
                seconds_to_harm=finite(to_harm[i]),
                seconds_to_safe=finite(to_safe[i]),
                message=_message(n, k, low, high, limit),
                unit="pairs",
            )
            found.append(
                MetricOpinion(
                    report,
                    float(self.seconds_without_data[i]),
                    proven_safe=bool(self.proven[i]),
                    below_margin=bool(n) and high < limit,
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
        known = from_plain(pairs.begin(config), state)
        return cls(tuple(metrics), plan, config, known, from_plain(none, proven), from_plain(none, waited))


def _config(plan: JudgePlan, metrics: Sequence[MetricPlan]) -> PairConfig:
    share = multiplicity.weights(plan.metrics)
    return pairs.configure(
        array([m.value_max or 0.0 for m in metrics]),
        harm_level=-np.log([plan.alpha_harm * share[m.name] for m in metrics]),
        safe_level=-log(plan.alpha_safe),
        joint_level=-log(plan.alpha_harm),
        release=release_seconds(plan.planned_ticks * plan.interval),
        windows=windows_to_decide(plan.interval),
    )


def copies_ended(sample: Sample | None) -> bool:
    """Whether requests are not copied any more."""
    return isinstance(sample, NoEvidence) and sample.reason is NoEvidenceReason.COPIES_ENDED


def verdict_of(beyond: float, *, proven: bool) -> Literal["Harmful", "ProvenSafe", "Undecided"]:
    """``beyond``: log e of harm above its level."""
    return "Harmful" if beyond >= 0 else "ProvenSafe" if proven else "Undecided"


def _message(n: float, k: float, low: float, high: float, limit: float) -> str:
    if not n:
        return f"no pairs yet; at most {percent(limit)} of the answers may differ"
    seen = f"{percent(k / n)} of the answers differ ({percent(low)} .. {percent(high)})"
    return f"{seen}; at most {percent(limit)} may"
