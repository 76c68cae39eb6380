"""The oracle: the fastest that any test of the same null can be on the same data when both true rates are known.

Its wealth grows by the Kullback-Leibler divergence between the truth and the nearest point of the null each tick, so it
needs log(1/alpha) of it (Grünwald, de Heide, Koolen, arXiv 1906.07801: growth-rate optimality).
"""

from __future__ import annotations

import math

from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.evalue import Pair, growth, margin

from tests.bench.evidence.worlds import TICK_SECONDS, World

__all__ = ["oracle_seconds"]


def oracle_seconds(world: World, *, ratio: float = 1.0, absolute: float = 0.0, alpha: float = 0.05) -> float:
    """Seconds that the oracle needs from the onset on; infinite when the truth lies on the line.

    Against harm the null is "at or below ratio * stable + absolute", against a missing proof of safety "at or above".
    """
    requests = Pair(array(world.canary_rps * TICK_SECONDS), array(world.stable_rps * TICK_SECONDS))
    rates = Pair(array(world.canary_rate), array(world.base))
    gain = float(growth(requests, rates, margin(ratio, absolute)))
    return math.inf if gain < 1e-9 else math.log(1 / alpha) / gain * TICK_SECONDS
