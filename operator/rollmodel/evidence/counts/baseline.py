"""What the stable arm's past says before a rollout: the rate, how noisy the contrast is, and how slow that noise is.

Best source first: (a) the stable pods split into a placebo candidate and the rest, so that the contrast itself is seen
without any candidate; (b) the stable total about a moving rate, where there is one pod only; (c) nothing, with a wary
prior and some ticks that only teach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array, array, select
from rollmodel.evidence.core.evalue import Tick
from rollmodel.evidence.core.types import MetricHistory
from rollmodel.evidence.noise.dispersion import Estimate, Prior, accumulate, estimate
from rollmodel.evidence.noise.noise import (
    LEAST_SECONDS,
    MERGES,
    MOST_SPLIT,
    MOST_TOTAL,
    MOVING_TICKS,
    TEACHING_TICKS,
    blocks,
    merge_needed,
    moving_sum,
    placebo_split,
    wary_prior,
)

__all__ = ["Baseline", "from_history", "from_split", "from_total", "unknown"]

#: Requests that a rate known from history counts for when the guess of the rate is updated, and one that is not.
KNOWN_WEIGHT, UNKNOWN_RATE, UNKNOWN_WEIGHT = 1000.0, 0.01, 20.0
#: A history with fewer events than this many effective ticks is filled up with "no over-dispersion".
LEAST_TICKS = 10.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is believed before the first tick, each of shape [...].

    ``rate`` is the stable bad fraction and ``weight`` the requests it counts for; ``merge`` is the number of ticks to
    merge into one, ``teach`` that of (merged) ticks that only teach.
    """

    rate: Array
    weight: Array
    prior: Prior
    merge: Array
    teach: Array


def unknown(shape: tuple[int, ...] = ()) -> Baseline:
    """No history at all: wary, and slow to begin."""
    return Baseline(
        rate=np.full(shape, UNKNOWN_RATE),
        weight=np.full(shape, UNKNOWN_WEIGHT),
        prior=wary_prior(shape),
        merge=np.ones(shape),
        teach=np.full(shape, TEACHING_TICKS),
    )


def from_split(history: Tick) -> Baseline:
    """From stable pods split in two, counts [..., T] with time last: the placebo candidate is arm a."""
    prior = _prior(estimate(accumulate(_busy(history))), MOST_SPLIT)
    merge = merge_needed(prior, history.na.shape[-1])
    for factor in MERGES:
        if np.any(merge == factor):
            merged = _prior(estimate(accumulate(_busy(merge_ticks(history, factor)))), MOST_SPLIT)
            prior = select(np.asarray(merge == factor), merged, prior)
    return _known(history.ka + history.kb, history.na + history.nb, prior, merge)


def from_total(total: Array, bad: Array) -> Baseline:
    """From the stable arm as a whole, counts [..., T]: residuals about a moving rate.

    Too careful when noise hits the whole arm: an arm 19 times larger shows 19 times more of it.
    """
    rate = moving_sum(bad) / np.maximum(moving_sum(total), 1.0)
    residual = bad - total * rate
    variance = np.maximum((total * rate * (1.0 - rate)).sum(-1), 1e-12)
    lost = 1.0 / min(MOVING_TICKS, total.shape[-1])
    spread = (residual**2).sum(-1) / variance / (1.0 - lost)
    lag = (residual[..., 1:] * residual[..., :-1]).sum(-1) / variance + spread * lost
    ticks, events = float(total.shape[-1]), bad.sum(-1)
    now = Estimate(np.where(events > 0, spread, 1.0), np.where(events > 0, lag, 0.0), ticks * events / (ticks + events))
    prior = _prior(now, MOST_TOTAL)
    return _known(bad, total, prior, np.ones(total.shape[:-1]))


def from_history(history: MetricHistory, *, share: float, interval: float) -> tuple[Baseline, float]:
    """The best baseline that a count metric's history allows, and the stable arm's requests per tick (0: unknown).

    share: the candidate's planned share of traffic; interval: seconds of a tick. A history of less than
    :data:`LEAST_SECONDS` tells the rate only.
    """
    pods = {name: array(samples) for name, samples in history.pods.items() if len(samples)}
    if not pods:
        return unknown(), 0.0
    total, bad = np.moveaxis(np.sum(list(pods.values()), axis=0), -1, 0)
    requests = float(total.mean()) / history.part
    if len(total) * interval < LEAST_SECONDS or not total.sum() > 0:
        return _rate_only(bad, total), requests
    chosen = placebo_split(pods, share)
    if not chosen:
        return from_total(total, bad), requests
    na, ka = np.moveaxis(np.sum([pods[name] for name in chosen], axis=0), -1, 0)
    return from_split(Tick(na, ka, total - na, bad - ka)), requests


def _rate_only(bad: Array, total: Array) -> Baseline:
    wary = unknown()
    return _known(bad, total, wary.prior, wary.merge, wary.teach) if total.sum() > 0 else wary


def merge_ticks(counts: Tick, factor: int) -> Tick:
    """Sums of ``factor`` ticks each along the last axis; the oldest remainder is dropped."""
    return Tick(*(blocks(x, factor) for x in counts))


def _busy(history: Tick) -> Tick:
    """Ticks without traffic on an arm say nothing: a token request without a bad one keeps the sums defined."""
    return Tick(np.maximum(history.na, 1.0), history.ka, np.maximum(history.nb, 1.0), history.kb)


def _prior(now: Estimate, most: float) -> Prior:
    filled = np.maximum(now.ticks, LEAST_TICKS)
    dispersion = (now.ticks * now.dispersion + (filled - now.ticks)) / filled
    return Prior(dispersion, now.ticks * now.lag / filled, np.minimum(filled, most))


def _known(bad: Array, total: Array, prior: Prior, merge: Array, teach: Array | None = None) -> Baseline:
    rate = (bad.sum(-1) + 0.5) / (total.sum(-1) + 1.0)
    weight = np.minimum(total.sum(-1), KNOWN_WEIGHT)
    return Baseline(
        rate=rate, weight=weight, prior=prior, merge=merge, teach=np.zeros(rate.shape) if teach is None else teach
    )
