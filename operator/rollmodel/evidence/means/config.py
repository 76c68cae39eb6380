"""How a mean metric is judged, frozen before the rollout: margins, alternatives, and what noise is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence import glaring
from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.evalue import Margin
from rollmodel.evidence.core.mixture import Mixture
from rollmodel.evidence.levels import Levels
from rollmodel.evidence.means.past import MeanPast
from rollmodel.evidence.noise.dispersion import Prior

__all__ = ["HARM_GAPS", "SAFE_GAPS", "MeanConfig", "configure"]

#: Alternatives: gaps in parts of the stable mean, and their weights.
HARM_GAPS, HARM_WEIGHTS = array([0.02, 0.05, 0.10, 0.20, 0.50]), array([0.20, 0.25, 0.25, 0.20, 0.10])
SAFE_GAPS, SAFE_WEIGHTS = array([0.03, 0.06, 0.10, 0.15]), array([0.25, 0.30, 0.30, 0.15])


@dataclass(frozen=True, slots=True)
class MeanConfig:
    """Frozen for a rollout, shape [...]. ``sign`` is +1 where higher is worse, else -1."""

    sign: Array
    harm_ratio: Array
    harm_absolute: Array
    safe_ratio: Array
    safe_absolute: Array
    harm_level: Array
    safe_level: Array
    harm: Mixture
    safe: Mixture
    guard: Mixture
    prior: Prior
    teach: Array


def configure(past: MeanPast, *, harm: Margin, safe: Margin, levels: Levels, sign: ArrayLike = 1.0) -> MeanConfig:
    """Freeze the policy. Margins say how much worse is tolerated: at most ratio * stable + absolute where higher is
    worse, at least stable / ratio - absolute where lower is (``sign`` -1). levels: of each metric, or the same for all.
    """
    shape = past.mean.shape
    sign = np.broadcast_to(array(sign), shape)
    lines = [
        np.broadcast_to(x, shape)
        for x in (harm.ratio**sign, sign * harm.absolute, safe.ratio**sign, sign * safe.absolute)
    ]
    levels = levels.over(shape)
    return MeanConfig(
        sign=sign,
        harm_ratio=lines[0],
        harm_absolute=lines[1],
        safe_ratio=lines[2],
        safe_absolute=lines[3],
        harm_level=levels.harm,
        safe_level=levels.safe,
        harm=levels.against_harm(HARM_WEIGHTS),
        safe=levels.for_safety(SAFE_WEIGHTS),
        guard=glaring.prior(levels),
        prior=past.prior,
        teach=past.teach,
    )
