"""Performance from bins of the score: how often the answer in a bin was right, now or when the model was tested.

Without labels (:func:`estimate`) the rates of the test are taken for those of now; with labels (:func:`measured`) both
are counted. The former is right where the world asks other questions of the same truth (covariate shift), as with CBPE.
Where the truth itself has changed (concept drift) only labels tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.drift.quality import log10_p_of_rise, share_before
from rollmodel.evidence.drift.tails import log_tail_normal

__all__ = ["METRICS", "Calibration", "Estimate", "estimate", "measured"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of each bin of the score [K]: rows of the reference, how many were positive, whether the answer is positive."""

    rows: Array
    positives: Array
    answered_yes: Array


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric now and in the reference, and how unlikely the drop between them is by chance."""

    now: float
    before: float
    log10_p: float

    @property
    def drop(self) -> float:
        """How much worse it is."""
        return self.before - self.now


def _accuracy(share: Array, rate: Array, yes: Array) -> Array:
    return array((share * np.where(yes > 0.5, rate, 1.0 - rate)).sum(axis=-1))


def _auc(share: Array, rate: Array, yes: Array) -> Array:
    """The chance that a positive row has the higher score; within a bin: one half."""
    del yes
    positive, negative = share * rate, share * (1.0 - rate)
    below = np.cumsum(negative, axis=-1) - negative
    pairs = positive.sum(axis=-1) * negative.sum(axis=-1)
    won = (positive * (below + 0.5 * negative)).sum(axis=-1)
    return array(np.divide(won, pairs, out=np.full(pairs.shape, 0.5), where=pairs > 0.0))


#: The metrics that can be estimated: of shares, rates and answers [..., K].
METRICS: Mapping[str, Callable[[Array, Array, Array], Array]] = {"accuracy": _accuracy, "auc": _auc}


def estimate(metric: str, calibration: Calibration, live: Array, dispersion: float = 1.0) -> Estimate:
    """The metric for these counts of the score [K]. Errors by the delta method: of both samples, and of the rates."""
    function = METRICS[metric]
    rows, yes = calibration.rows, calibration.answered_yes
    rate = np.clip(calibration.positives / np.maximum(rows, 1.0), 0.0, 1.0)  # whatever a file says
    now, before = live / max(1.0, live.sum()), rows / max(1.0, rows.sum())
    values = float(function(now, rate, yes)), float(function(before, rate, yes))
    of_rows = [
        spread * _variance(share, _slope(lambda one: function(one, rate, yes), share)) / max(1.0, total)
        for share, total, spread in ((now, live.sum(), dispersion), (before, rows.sum(), 1.0))
    ]
    towards = _slope(lambda one: function(now, one, yes) - function(before, one, yes), rate)
    of_rates = float((towards**2 * rate * (1.0 - rate) / np.maximum(rows, 1.0)).sum())
    error = math.sqrt(max(0.0, sum(of_rows) + of_rates))
    z = (values[1] - values[0]) / error if error > 0.0 else 0.0
    return Estimate(values[0], values[1], float(log_tail_normal(np.array([z]))[0]) / math.log(10.0))


def measured(metric: str, calibration: Calibration, positives: Array, negatives: Array, dispersion: float) -> Estimate:
    """The metric of rows whose label is known: how many of each bin [K] were positive and negative.

    A drop of accuracy is judged by a bound that holds for any number of rows, others by the variance of both samples.
    """
    function, yes = METRICS[metric], calibration.answered_yes
    reference = np.concatenate([calibration.positives, calibration.rows - calibration.positives])
    live = np.concatenate([positives, negatives])

    def joint(share: Array) -> Array:
        good, bad = np.split(share, 2, axis=-1)
        return function(good + bad, np.divide(good, good + bad, out=np.zeros_like(good), where=good + bad > 0.0), yes)

    now, before = live / max(1.0, live.sum()), reference / max(1.0, reference.sum())
    values = float(joint(now)), float(joint(before))
    if live.sum() <= 0.0:
        return Estimate(values[1], values[1], 0.0)
    if metric == "accuracy":
        wrong, rows = (1.0 - values[0]) * live.sum(), live.sum()
        careful = share_before((1.0 - values[1]) * reference.sum(), reference.sum())
        return Estimate(*values, float(log10_p_of_rise(wrong, rows, careful, dispersion)))
    error = math.sqrt(
        dispersion * _variance(now, _slope(joint, now)) / max(1.0, live.sum())
        + _variance(before, _slope(joint, before)) / max(1.0, reference.sum())
    )
    z = (values[1] - values[0]) / error if error > 0.0 else 0.0
    return Estimate(*values, float(log_tail_normal(np.array([z]))[0]) / math.log(10.0))


def _slope(function: Callable[[Array], Array], at: Array) -> Array:
    step = 1e-6 * np.eye(len(at))
    return array((function(at + step) - function(at - step)) / 2e-6)


def _variance(share: Array, slope: Array) -> float:
    return float((share * slope**2).sum() - (share * slope).sum() ** 2)
