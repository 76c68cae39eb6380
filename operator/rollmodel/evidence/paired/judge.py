"""All metrics of a rollout that limit how often pairs differ, as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.mixture import log_total
from rollmodel.evidence.core.samples import Sample
from rollmodel.evidence.core.words import percent
from rollmodel.evidence.levels import Levels
from rollmodel.evidence.paired import model
from rollmodel.evidence.paired.base import PairedJudge, Seen
from rollmodel.evidence.paired.model import PairConfig, PairState

__all__ = ["PairJudge"]


@dataclass(frozen=True, slots=True)
class PairJudge(PairedJudge[PairConfig, PairState]):
    """The judge of the share of pairs that differ."""

    @classmethod
    def configure(cls, limits: Array, levels: Levels) -> PairConfig:
        """limits: shares that may differ, between 0 and 1 [m]."""
        return model.configure(limits, levels)

    @classmethod
    def empty(cls, config: PairConfig) -> PairState:
        """The state before the first window."""
        return model.begin(config)

    def after(self, found: Sequence[Sample | None], seconds: float) -> tuple[PairState, Array]:
        """The state after a window with these samples, and the pairs in them [m]."""
        total, differing = (array([getattr(s, f, 0.0) for s in found]) for f in ("pairs", "differing"))
        return model.update(self.config, self.state, total, differing, seconds), total

    def log_safe(self, state: PairState) -> Array:
        """Logs of the e-processes of safety [m]."""
        return log_total(state.safe)

    def seconds_left(self) -> tuple[Array, Array]:
        """Seconds until harm and until safety are decided, as things go [m]."""
        return model.seconds(self.config, self.state, self.plan.interval)

    def dispersion(self) -> Array:
        """How much more pairs vary than independent ones [m]."""
        return model.dispersion(self.state)

    def seen(self, i: int, phi: float) -> Seen:
        """The share that differed, and its bounds."""
        n, k, limit = (float(x[i]) for x in (self.state.pairs, self.state.differing, self.config.limit))
        low, high = model.limits_of_share(n, k, phi)
        message = _message(n, k, low, high, limit)
        if not n:
            return Seen(message, None, None, None, below_limit=False, differing=k)
        return Seen(message, k / n / limit, low / limit, high / limit, below_limit=high < limit, differing=k)


def _message(n: float, k: float, low: float, high: float, limit: float) -> str:
    if not n:
        return f"no pairs yet; at most {percent(limit)} of the answers may differ"
    seen = f"{percent(k / n)} of the answers differ ({percent(low)} .. {percent(high)})"
    return f"{seen}; at most {percent(limit)} may"
