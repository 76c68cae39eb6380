"""How a mean metric is judged, frozen before the rollout: margins, alternatives, and what noise is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.evalue import Margin
from rollmodel.evidence.core.mixture import LEAST_WINDOWS, Mixture, mixture, release_seconds
from rollmodel.evidence.counts import cold_start as shares
from rollmodel.evidence.means.past import MeanPast
from rollmodel.evidence.noise.dispersion import Prior

__all__ = ["HARM_GAPS", "SAFE_GAPS", "MeanConfig", "configure"]

#: Alternatives: gaps in parts of the stable mean, and their weights.
HARM_GAPS, HARM_WEIGHTS = array([0.02, 0.05, 0.10, 0.20, 0.50]), array([0.20, 0.25, 0.25, 0.20, 0.10])
HARM_RESERVE = 0.25
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


def configure(
    past: MeanPast,
    *,
    harm: Margin,
    safe: Margin,
    harm_level: ArrayLike,
    safe_level: ArrayLike,
    joint_level: ArrayLike | None = None,
    sign: ArrayLike = 1.0,
    planned_seconds: float = 0.0,
    windows: int = LEAST_WINDOWS,
) -> MeanConfig:
    """Freeze the policy. Margins say how much worse is tolerated: at most ratio * stable + absolute where higher is
    worse, at least stable / ratio - absolute where lower is (``sign`` -1).
    """
    shape = past.mean.shape
    sign = np.broadcast_to(array(sign), shape)
    lines = [
        np.broadcast_to(x, shape)
        for x in (harm.ratio**sign, sign * harm.absolute, safe.ratio**sign, sign * safe.absolute)
    ]
    levels = [np.broadcast_to(array(x), shape) for x in (harm_level, safe_level)]
    harm_weights, safe_weights = (np.broadcast_to(w, (*shape, len(w))) for w in (HARM_WEIGHTS, SAFE_WEIGHTS))
    return MeanConfig(
        sign=sign,
        harm_ratio=lines[0],
        harm_absolute=lines[1],
        safe_ratio=lines[2],
        safe_absolute=lines[3],
        harm_level=levels[0],
        safe_level=levels[1],
        harm=mixture(
            harm_weights,
            np.full(shape, HARM_RESERVE),
            levels[0],
            joint=joint_level,
            release=release_seconds(planned_seconds),
            windows=windows,
        ),
        safe=mixture(safe_weights, np.zeros(shape), levels[1], windows=windows),
        guard=shares.prior(levels[0], levels[0] if joint_level is None else array(joint_level), windows),
        prior=past.prior,
        teach=past.teach,
    )
