"""What the stable arm's past says of a mean: its value, the spread of single values, and the noise between ticks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.types import MetricHistory
from rollmodel.evidence.noise.deviations import accumulate, estimate
from rollmodel.evidence.noise.dispersion import Prior
from rollmodel.evidence.noise.noise import (
    LEAST_SECONDS,
    MOST_SPLIT,
    MOST_TOTAL,
    TEACHING_TICKS,
    moving_sum,
    placebo_split,
    wary_prior,
)

__all__ = ["MeanPast", "from_history", "unknown"]

#: Requests that mean and spread from history count for.
KNOWN_WEIGHT = 1000.0


@dataclass(frozen=True, slots=True)
class MeanPast:
    """What is believed before the first tick, shape [...].

    ``mean`` is the stable one, ``variance`` that of a single value, ``weight`` what both count for in requests;
    ``teach`` is the number of ticks that only teach.
    """

    mean: Array
    variance: Array
    weight: Array
    prior: Prior
    teach: Array


def unknown(shape: tuple[int, ...] = ()) -> MeanPast:
    """The prior without any history."""
    zero = np.zeros(shape)
    return MeanPast(zero, zero, zero, wary_prior(shape), zero + TEACHING_TICKS)


def from_history(history: MetricHistory, *, share: float, interval: float) -> MeanPast:
    """The best prior that a history of (count, sum) or (count, sum, sum of squares) per pod and tick allows."""
    pods = {name: array(samples) for name, samples in history.pods.items() if len(samples)}
    total = np.sum(list(pods.values()), axis=0) if pods else np.zeros((0, 3))
    if total[:, 0].sum() < 2:
        return unknown()
    chosen = placebo_split(pods, share)
    difference, seconds = _differences(pods, total, chosen), len(total) * interval
    if total.shape[1] == 2:
        return _from_sums(total, difference, split=bool(chosen), seconds=seconds)
    n, values, squares = total.sum(axis=0)
    mean, variance = values / n, max(squares - values**2 / n, 0.0) / (n - 1.0)
    prior, teach = wary_prior(()), TEACHING_TICKS
    if seconds >= LEAST_SECONDS and variance > 0:
        prior, teach = _noise(difference / np.sqrt(variance), split=bool(chosen)), 0.0
    return MeanPast(array(mean), array(variance), array(min(n, KNOWN_WEIGHT)), prior, array(teach))


def _from_sums(total: Array, difference: Array, *, split: bool, seconds: float) -> MeanPast:
    """Without squares: a single value's variance is what the differences of ticks tell, so that their D is 1.

    It holds the noise between ticks as well, and is worth as much as there are ticks.
    """
    seen = difference[np.isfinite(difference)]
    variance = float(estimate(accumulate(seen)).dispersion) if len(seen) > 1 else 0.0
    if not variance > 0:
        return unknown()
    prior, teach = wary_prior(()), TEACHING_TICKS
    if seconds >= LEAST_SECONDS:
        prior, teach = _noise(difference / np.sqrt(variance), split=split), 0.0
    n, values = total.sum(axis=0)
    return MeanPast(array(values / n), array(variance), array(min(len(seen), KNOWN_WEIGHT)), prior, array(teach))


def _differences(pods: dict[str, Array], total: Array, chosen: Collection[str]) -> Array:
    """The difference of means in each tick, for a unit variance of single values: shape [ticks].

    Of the pods split in two; of one pod, of each tick against those around it. NaN where one side had no requests.
    """
    one = np.sum([pods[name] for name in chosen], axis=0) if chosen else total
    other = total - one if chosen else moving_sum(total, axis=0) - total
    busy = (one[:, 0] > 0) & (other[:, 0] > 0)
    n, m = np.maximum(one[:, 0], 1.0), np.maximum(other[:, 0], 1.0)
    return np.where(busy, (one[:, 1] / n - other[:, 1] / m) / np.sqrt(1.0 / n + 1.0 / m), np.nan)


def _noise(z: Array, *, split: bool) -> Prior:
    """The noise between ticks, from differences [ticks] in units of their standard error."""
    now = estimate(accumulate(np.nan_to_num(z)))
    return Prior(now.dispersion, now.lag, np.minimum(now.ticks, MOST_SPLIT if split else MOST_TOTAL))
