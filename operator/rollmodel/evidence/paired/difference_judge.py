"""All metrics of a rollout that limit the mean difference of pairs, as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.samples import Sample
from rollmodel.evidence.core.types import MetricPlan
from rollmodel.evidence.levels import Levels
from rollmodel.evidence.paired import differences
from rollmodel.evidence.paired.base import PairedJudge, Seen
from rollmodel.evidence.paired.differences import Batch, DifferenceConfig, DifferenceState

__all__ = ["DifferenceJudge"]


@dataclass(frozen=True, slots=True)
class DifferenceJudge(PairedJudge[DifferenceConfig, DifferenceState]):
    """The judge of the mean by which pairs differ."""

    @classmethod
    def configure(cls, limits: Array, levels: Levels) -> DifferenceConfig:
        """limits: means that may be reached, between 0 and 1 [m]."""
        return differences.configure(limits, levels)

    @classmethod
    def empty(cls, config: DifferenceConfig) -> DifferenceState:
        """The state before the first window."""
        return differences.begin(config)

    def after(self, found: Sequence[Sample | None], seconds: float) -> tuple[DifferenceState, Array]:
        """The state after a window with these samples, and the pairs in them [m]."""
        pairs, total, squares = (array([getattr(s, f, 0.0) for s in found]) for f in ("pairs", "total", "squares"))
        return differences.update(self.config, self.state, Batch(pairs, total, squares), seconds), pairs

    def log_safe(self, state: DifferenceState) -> Array:
        """Logs of the e-processes of safety [m]."""
        return differences.log_safe(state)

    def seconds_left(self) -> tuple[Array, Array]:
        """Seconds until harm and until safety are decided, as things go [m]."""
        return differences.seconds(self.config, self.state, self.plan.interval)

    def dispersion(self) -> Array:
        """How much more pairs vary than independent ones [m]."""
        return differences.dispersion(self.state)

    def seen(self, i: int, phi: float) -> Seen:
        """The mean difference, and the bounds of its size."""
        metric, state = self.metrics[i], self.state
        n, total, squares, limit = (float(x[i]) for x in (state.pairs, state.total, state.squares, self.config.limit))
        low, high = differences.limits_of_mean(n, total, squares, phi)
        message = _message(metric, n, total, (low, high))
        if not n:
            return Seen(message, None, None, None, below_limit=False)
        nearest, farthest = max(low, -high, 0.0) / limit, max(-low, high)
        return Seen(
            message,
            abs(total / n) / limit,
            nearest,
            farthest / limit,
            below_limit=farthest < limit,
            mean=total / n * metric.value_scale,
        )


def _message(metric: MetricPlan, n: float, total: float, limits: tuple[float, float]) -> str:
    most = f"{(metric.value_max or 0.0) * metric.value_scale:.3g}"
    if not n:
        return f"no pairs yet; answers may differ by {most} on average"
    mean, low, high = (value * metric.value_scale for value in (total / n, *limits))
    return f"the candidate answers {mean:+.3g} on average ({low:+.3g} .. {high:+.3g}); at most {most} either way may be"
