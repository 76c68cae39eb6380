"""What the stable arm's past says of a mean: its value, the spread of single values, and the noise between ticks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.arrays import Array, array
from rollmodel.evidence.deviations import accumulate, estimate
from rollmodel.evidence.dispersion import Prior
from rollmodel.evidence.noise import (
    LEAST_SECONDS,
    MOST_SPLIT,
    MOST_TOTAL,
    TEACHING_TICKS,
    moving_sum,
    pretend_candidate,
    wary_prior,
)
from rollmodel.evidence.types import MetricHistory

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
    """No history at all."""
    zero = np.zeros(shape)
    return MeanPast(zero, zero, zero, wary_prior(shape), zero + TEACHING_TICKS)


def from_history(history: MetricHistory, *, share: float, interval: float) -> MeanPast:
    """The best background that a history of (count, sum, sum of squares) per pod and tick allows."""
    pods = {name: array(samples) for name, samples in history.pods.items() if len(samples)}
    total = np.sum(list(pods.values()), axis=0) if pods else np.zeros((0, 3))
    n, values, squares = total.sum(axis=0)
    if n < 2:
        return unknown()
    mean, variance = values / n, max(squares - values**2 / n, 0.0) / (n - 1.0)
    prior, teach = wary_prior(()), TEACHING_TICKS
    if len(total) * interval >= LEAST_SECONDS and variance > 0:
        prior, teach = _noise(pods, total, variance, pretend_candidate(pods, share)), 0.0
    return MeanPast(array(mean), array(variance), array(min(n, KNOWN_WEIGHT)), prior, array(teach))


def _noise(pods: dict[str, Array], total: Array, variance: float, chosen: Collection[str]) -> Prior:
    """From the pods split in two; of one pod, from each tick against those around it."""
    one = np.sum([pods[name] for name in chosen], axis=0) if chosen else total
    other = total - one if chosen else moving_sum(total, axis=0) - total
    busy = (one[:, 0] > 0) & (other[:, 0] > 0)
    n, m = np.maximum(one[:, 0], 1.0), np.maximum(other[:, 0], 1.0)
    z = (one[:, 1] / n - other[:, 1] / m) / np.sqrt(variance * (1.0 / n + 1.0 / m))
    now = estimate(accumulate(np.where(busy, z, 0.0)))
    return Prior(now.dispersion, now.lag, np.minimum(now.ticks, MOST_SPLIT if chosen else MOST_TOTAL))
