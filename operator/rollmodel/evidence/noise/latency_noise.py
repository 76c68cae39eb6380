"""How much more than independent requests the latencies of two arms differ from tick to tick.

Two scores (log t of a shift and of a heavier tail) turn a tick's bins into the arms' difference in units of its
standard error. Its variance about its own mean is the dispersion D, its lag-1 autocovariance C, as for counts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rollmodel.evidence.core.arrays import Array, array, select
from rollmodel.evidence.core.evalue import Pair
from rollmodel.evidence.latency.bins import LatencyConfig
from rollmodel.evidence.noise.deviations import accumulate, estimate
from rollmodel.evidence.noise.dispersion import Prior
from rollmodel.evidence.noise.noise import MERGES, MOST_SPLIT, MOST_TOTAL, blocks, merge_needed, moving_sum, wary_prior

__all__ = ["from_split", "from_total", "scores", "unknown"]

#: The alternatives whose log t are the scores.
SCORED = [1, 4]
#: Requests that the stable curve's own variance counts for in a tick's variance of the scores.
VARIANCE_WEIGHT = 20.0


def from_split(config: LatencyConfig, history: Pair) -> LatencyConfig:
    """With the noise of stable pods split in two: requests per bucket, [..., T, B + 1], time before buckets."""
    a, b = history.a @ config.bins_a, history.b @ config.bins_a
    prior = _prior(config, a, b, MOST_SPLIT)
    merge = merge_needed(prior, a.shape[-2]).max(axis=-1)
    for factor in MERGES:
        if np.any(merge == factor):
            merged = _prior(config, blocks(a, factor, axis=-2), blocks(b, factor, axis=-2), MOST_SPLIT)
            prior = select(np.asarray(merge == factor), merged, prior)
    return replace(config, prior=prior, merge=merge)


def from_total(config: LatencyConfig, history: Array) -> LatencyConfig:
    """With the noise of the stable arm as a whole, each tick against those around it; [..., T, B + 1]."""
    bins = history @ config.bins_a
    return replace(config, prior=_prior(config, bins, moving_sum(bins, axis=-2) - bins, MOST_TOTAL))


def unknown(config: LatencyConfig, teach: float) -> LatencyConfig:
    """Without history of the noise: wary, and this many ticks that only teach."""
    return replace(config, prior=wary_prior((2,)), teach=array(teach))


def _prior(config: LatencyConfig, a: Array, b: Array, most: float) -> Prior:
    now = estimate(accumulate(np.moveaxis(scores(config, a, b), -2, 0)))
    return Prior(now.dispersion, now.lag, np.minimum(now.ticks, most))


def scores(config: LatencyConfig, bins_a: Array, bins_b: Array) -> Array:
    """The arms' difference in mean score over its standard error, [..., 2]; 0 where an arm is empty."""
    score = np.log(config.tilt[SCORED])
    na, nb = (np.maximum(x.sum(-1), 1.0)[..., None] for x in (bins_a, bins_b))
    both, total = bins_a + bins_b, na + nb
    seen = both @ (score**2).T / total - (both @ score.T / total) ** 2
    known = (config.shares * score**2).sum(-1) - (config.shares * score).sum(-1) ** 2
    variance = (total * seen + VARIANCE_WEIGHT * known) / (total + VARIANCE_WEIGHT)
    error = np.sqrt(np.maximum(variance, 1e-12) * (1.0 / na + 1.0 / nb))
    busy = ((bins_a.sum(-1) > 0) & (bins_b.sum(-1) > 0))[..., None]
    return np.where(busy, (bins_a @ score.T / na - bins_b @ score.T / nb) / error, 0.0)
