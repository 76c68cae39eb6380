"""What the judges of paired metrics share: metrics as one batch, what is latched, and how an opinion is built.

Each of them says what a window does to its state, and how large the difference is that it has seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

import numpy as np

from rollmodel.evidence.core.arrays import Array, array, from_plain, to_plain
from rollmodel.evidence.core.mixture import Wealth, log_total
from rollmodel.evidence.core.opinion import MetricOpinion, Step, finite
from rollmodel.evidence.core.samples import NoEvidence, NoEvidenceReason, Sample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan, MetricReport
from rollmodel.evidence.levels import Levels, of_metrics

__all__ = ["PairedJudge", "Seen"]


class _Config(Protocol):
    """Levels that every configuration has, by metric: logs of 1 / risk."""

    @property
    def harm_level(self) -> Array: ...
    @property
    def safe_level(self) -> Array: ...


class _State(Protocol):
    """What every state has: the wealth against harm, and the pairs so far."""

    @property
    def harm(self) -> Wealth: ...
    @property
    def pairs(self) -> Array: ...


C = TypeVar("C", bound=_Config)
S = TypeVar("S", bound=_State)


@dataclass(frozen=True, slots=True)
class Seen:
    """The difference that a metric has seen, and its bounds, in parts of the limit; None before the first pair."""

    message: str
    ratio: float | None
    low: float | None
    high: float | None
    below_limit: bool
    differing: float = 0.0
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class PairedJudge(ABC, Generic[C, S]):
    """Configuration and state of m paired metrics; ``proven`` latches proof of safety.

    Once requests are not copied any more there are no pairs: what was proven stays, and nobody waits for data.
    """

    metrics: tuple[MetricPlan, ...]
    plan: JudgePlan
    config: C
    state: S
    proven: Array
    seconds_without_data: Array

    @classmethod
    @abstractmethod
    def configure(cls, limits: Array, levels: Levels) -> C:
        """The configuration of metrics with these limits [m]."""

    @classmethod
    @abstractmethod
    def empty(cls, config: C) -> S:
        """The state before the first window."""

    @abstractmethod
    def after(self, found: Sequence[Sample | None], seconds: float) -> tuple[S, Array]:
        """The state after a window with these samples, and the pairs in them [m]."""

    @abstractmethod
    def log_safe(self, state: S) -> Array:
        """Logs of the e-processes of safety [m]."""

    @abstractmethod
    def seconds_left(self) -> tuple[Array, Array]:
        """Seconds until harm and until safety are decided, as things go [m]."""

    @abstractmethod
    def dispersion(self) -> Array:
        """How much more pairs vary than independent ones [m]."""

    @abstractmethod
    def seen(self, i: int, phi: float) -> Seen:
        """What the i-th metric has seen; ``phi``: its dispersion."""

    @classmethod
    def begin(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], history: Mapping[str, MetricHistory]) -> Self:
        """Pairs have no past."""
        del history
        config, none = cls._configured(plan, metrics), np.zeros(len(metrics))
        return cls(tuple(metrics), plan, config, cls.empty(config), none, none)

    def refused(self, samples: Mapping[str, Sample]) -> Mapping[str, NoEvidence]:
        """None: any sound pairs are accepted."""
        del samples
        return {}

    def observe(self, samples: Mapping[str, Sample], step: Step) -> Self:
        """The judge after one window. Both answers are to the same request, so a weight that moves is no matter."""
        found = [samples.get(m.name) for m in self.metrics]
        state, pairs = self.after(found, step.seconds)
        ended = np.array([_copies_ended(sample) for sample in found])
        waited = np.where(ended, self.seconds_without_data, self.seconds_without_data + step.elapsed)
        return replace(
            self,
            state=state,
            proven=np.where(self.log_safe(state) >= self.config.safe_level, 1.0, self.proven),
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
        harm, safe, phi = log_total(self.state.harm), self.log_safe(self.state), self.dispersion()
        to_harm, to_safe = self.seconds_left()
        found = []
        for i, metric in enumerate(self.metrics):
            seen, proven = self.seen(i, float(phi[i])), bool(self.proven[i])
            report = MetricReport(
                name=metric.name,
                verdict=_verdict(float(harm[i] - self.config.harm_level[i]), proven=proven),
                e_harm=exp(harm[i]),
                e_safe=exp(safe[i]),
                ratio=seen.ratio,
                low=seen.low,
                high=seen.high,
                na=float(self.state.pairs[i]),
                ka=seen.differing,
                value=seen.mean,
                dispersion=float(phi[i]),
                seconds_to_harm=finite(to_harm[i]),
                seconds_to_safe=finite(to_safe[i]),
                message=seen.message,
                unit="pairs",
            )
            waited = float(self.seconds_without_data[i])
            found.append(MetricOpinion(report, waited, proven_safe=proven, below_margin=seen.below_limit))
        return found

    def plain(self) -> Any:
        """The state, for JSON."""
        return [to_plain(self.state), to_plain(self.proven), to_plain(self.seconds_without_data)]

    @classmethod
    def from_plain(cls, plan: JudgePlan, metrics: Sequence[MetricPlan], data: Any) -> Self:
        """The judge that :meth:`plain` wrote. Raises ValueError."""
        state, proven, waited = data
        config, none = cls._configured(plan, metrics), np.zeros(len(metrics))
        known = from_plain(cls.empty(config), state)
        return cls(tuple(metrics), plan, config, known, from_plain(none, proven), from_plain(none, waited))

    @classmethod
    def _configured(cls, plan: JudgePlan, metrics: Sequence[MetricPlan]) -> C:
        return cls.configure(array([m.value_max or 0.0 for m in metrics]), of_metrics(plan, metrics))


def _copies_ended(sample: Sample | None) -> bool:
    """Whether requests are not copied any more."""
    return isinstance(sample, NoEvidence) and sample.reason is NoEvidenceReason.COPIES_ENDED


def _verdict(beyond: float, *, proven: bool) -> Literal["Harmful", "ProvenSafe", "Undecided"]:
    """``beyond``: log e of harm above its level."""
    return "Harmful" if beyond >= 0 else "ProvenSafe" if proven else "Undecided"
