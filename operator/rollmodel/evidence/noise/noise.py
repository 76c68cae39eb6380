"""What a history says about noise, for every kind of metric: priors, placebo splits, merging of slow noise."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.noise.dispersion import Prior

__all__ = [
    "LEAST_SECONDS",
    "MERGES",
    "MOST_SPLIT",
    "MOST_TOTAL",
    "MOVING_TICKS",
    "TEACHING_TICKS",
    "blocks",
    "merge_needed",
    "moving_sum",
    "placebo_split",
    "teaching_windows",
    "wary_prior",
]

#: Shortest history from which noise is learnt, in seconds.
LEAST_SECONDS = 1800.0
#: Most ticks that a prior is worth: from split pods; from the total, which shows the noise of a whole arm. That is an
#: upper bound of the contrast's, and soon gives way to what the contrast itself shows.
MOST_SPLIT, MOST_TOTAL = 360.0, 10.0
#: Without history: D, C, their weight, and the ticks that only teach.
WARY_DISPERSION, WARY_LAG, WARY_TICKS, TEACHING_TICKS = 2.0, 0.3, 10.0, 30.0
MOVING_TICKS = 61
#: Slow noise: ticks merged into one, so that the noise's lag-1 correlation falls to 0.6 or below.
MERGES = (3, 6, 12, 24)
SLOW, ENOUGH = 0.65, 0.6


def wary_prior(shape: tuple[int, ...]) -> Prior:
    """The prior where no history shows the noise."""
    return Prior(np.full(shape, WARY_DISPERSION), np.full(shape, WARY_LAG), np.full(shape, WARY_TICKS))


def placebo_split(pods: Collection[str], share: float) -> frozenset[str]:
    """A fixed random subset of pods of about this share: at least one, never all. Empty with fewer than two pods."""
    if len(pods) < 2:
        return frozenset()
    shuffled = sorted(pods, key=lambda name: sha256(name.encode()).digest())
    return frozenset(shuffled[: min(len(pods) - 1, max(1, round(share * len(pods))))])


def merge_needed(prior: Prior, ticks: int) -> Array:
    """How many ticks to merge: the smallest factor after which the latent noise is fast enough."""
    excess = prior.dispersion - 1.0
    slow = np.clip(prior.lag / np.where(excess > 0, excess, 1.0), 0.0, 0.999)
    seen = (slow > SLOW) & (excess > 4.0 * np.sqrt(2.0 / ticks)) & (prior.lag > 3.0 / np.sqrt(ticks))
    factor = np.full(slow.shape, float(MERGES[-1]))
    for candidate in reversed(MERGES):
        factor = np.where(slow**candidate <= ENOUGH, float(candidate), factor)
    return np.where(seen, factor, 1.0)


def teaching_windows(seen: Array, needed: Array) -> list[tuple[int, int] | None]:
    """Windows seen, of how many that only teach, for each metric [m]; None where that is over."""
    pairs = zip(np.atleast_1d(seen), np.atleast_1d(needed), strict=True)
    return [(int(ticks), int(teach)) if ticks < teach else None for ticks, teach in pairs]


def blocks(values: Array, factor: int, axis: int = -1) -> Array:
    """Sums of ``factor`` neighbours each along an axis; the oldest remainder is dropped."""
    last = np.moveaxis(values, axis, -1)
    whole = last.shape[-1] // factor
    sums = last[..., last.shape[-1] - whole * factor :].reshape(*last.shape[:-1], whole, factor).sum(axis=-1)
    return np.moveaxis(sums, -1, axis)


def moving_sum(values: Array, axis: int = -1) -> Array:
    """Centred sums over :data:`MOVING_TICKS` ticks along an axis, shorter at the ends."""
    half, last = MOVING_TICKS // 2, np.moveaxis(values, axis, -1)
    sums = np.concatenate([np.zeros((*last.shape[:-1], 1)), np.cumsum(last, axis=-1)], axis=-1)
    at = np.arange(last.shape[-1])
    window = sums[..., np.minimum(at + half + 1, last.shape[-1])] - sums[..., np.maximum(at - half, 0)]
    return np.moveaxis(window, -1, axis)
