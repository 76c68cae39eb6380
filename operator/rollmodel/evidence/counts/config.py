"""How a count metric is judged, frozen before the rollout: margins, alternatives, their prior, the noise known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence import glaring
from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.evalue import Margin, Pair, from_odds, growth, odds
from rollmodel.evidence.core.mixture import Mixture
from rollmodel.evidence.counts.baseline import Baseline
from rollmodel.evidence.levels import Levels
from rollmodel.evidence.noise.dispersion import Prior, empty, phi

__all__ = ["HARM_WEIGHTS", "SAFE_POWERS", "CountConfig", "configure", "tuned_weights"]

#: Odds ratios of the harm alternatives to the line, for rare events and for rates above 10 %; and their prior weights.
RARE = array([1.15, 1.35, 1.65, 2.1, 2.8, 4.0, 8.0])
COMMON = array([1.06, 1.15, 1.35, 1.65, 2.1, 2.8, 4.0])
COMMON_RATE = 0.1
HARM_WEIGHTS = array([0.18, 0.18, 0.16, 0.14, 0.13, 0.11, 0.10])
#: Safe alternatives as powers of the odds ratio "no difference at all" to the line, and their weights.
SAFE_POWERS = array([0.6, 1.0, 1.6, 3.0])
SAFE_WEIGHTS = array([0.25, 0.40, 0.20, 0.15])


@dataclass(frozen=True, slots=True)
class CountConfig:
    """Frozen for a rollout; each array of shape [...], ``kappa`` and the mixtures [..., J].

    Levels are logs of what the e-processes must reach. ``merge`` and ``teach`` count ticks.
    """

    harm_ratio: Array
    harm_absolute: Array
    safe_ratio: Array
    safe_absolute: Array
    harm_level: Array
    safe_level: Array
    kappa: Array
    harm: Mixture
    safe: Mixture
    guard: Mixture
    prior: Prior
    merge: Array
    teach: Array

    @property
    def harm_line(self) -> Margin:
        """The line at or below which the candidate does no harm."""
        return Margin(self.harm_ratio, self.harm_absolute)

    @property
    def safe_line(self) -> Margin:
        """The line below which the candidate is safe."""
        return Margin(self.safe_ratio, self.safe_absolute)


def configure(
    baseline: Baseline,
    *,
    harm: Margin,
    safe: Margin,
    levels: Levels,
    weights: Array = HARM_WEIGHTS,
) -> CountConfig:
    """Freeze the policy of a metric over what is known of the stable arm.

    harm, safe: see :func:`rollmodel.evidence.core.evalue.margin`. levels: of each metric, or the same for all.
    weights: prior of the harm alternatives, [..., 7], best from :func:`tuned_weights`.
    """
    shape = baseline.rate.shape
    harm, safe = (Margin(*(np.broadcast_to(x, shape) for x in line)) for line in (harm, safe))
    levels = levels.over(shape)
    return CountConfig(
        harm_ratio=harm.ratio,
        harm_absolute=harm.absolute,
        safe_ratio=safe.ratio,
        safe_absolute=safe.absolute,
        harm_level=levels.harm,
        safe_level=levels.safe,
        kappa=_alternatives(baseline),
        harm=levels.against_harm(weights),
        safe=levels.for_safety(SAFE_WEIGHTS),
        guard=glaring.prior(levels),
        prior=baseline.prior,
        merge=baseline.merge,
        teach=baseline.teach,
    )


def tuned_weights(
    baseline: Baseline, harm: Margin, harm_level: ArrayLike, *, traffic: Pair, planned_ticks: ArrayLike
) -> Array:
    """The prior of the harm alternatives, moved away from effects that the planned traffic and time cannot resolve.

    traffic: requests per tick expected on both arms, [...]. An alternative keeps the part of its weight that its
    expected evidence over ``planned_ticks``, under the noise of the history, is of a proof.
    Returns [..., 7], summing to 1.
    """
    kappa = _alternatives(baseline)
    rate = baseline.rate[..., None]
    line = harm.column()
    alternative = from_odds(kappa * odds(line.at(rate)))
    speed = growth(Pair(traffic.a[..., None], traffic.b[..., None]), Pair(alternative, rate), line)
    noise = phi(empty(baseline.rate.shape), baseline.prior)
    worth = (array(planned_ticks) / (noise * array(harm_level)))[..., None] * speed
    weights = HARM_WEIGHTS * np.clip(worth, 1e-6, 1.0)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _alternatives(baseline: Baseline) -> Array:
    return np.where(baseline.rate[..., None] > COMMON_RATE, COMMON, RARE)
