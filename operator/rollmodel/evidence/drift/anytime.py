"""E-values for counts against a reference that is itself a sample: valid for any number of rows, at any time.

Under any fixed true shares p the likelihood of a mixture over that of p is a martingale as rows come in, so it
exceeds 1/a with a chance of at most a, however often one looks (Ville). Here p is unknown: the least favourable one
is taken, of those that the reference leaves possible. Mixture: Dirichlet around the reference, as in Lindon and
Malek, Anytime-valid inference for multinomial count data, 2022. How far the reference may lie from the truth:
Agrawal, Finite-sample concentration of the multinomial in relative entropy, 2020; no approximation for large samples
anywhere.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.drift.compare import Comparison, grouped, merge_bins, statistic

__all__ = ["careful_dispersion", "compare_anytime", "log_e_value", "radius", "visible_psi_anytime"]

#: Prior weight of the reference, in rows for each bin: for large, middle and small changes.
_WEIGHTS = (1.0, 10.0, 100.0)
_STEPS = 50
_POWER_Z = 0.84


@lru_cache(maxsize=4096)
def radius(bins: int, delta: float) -> float:
    """T such that M rows of ``bins`` bins have M KL(counts, truth) above t with a chance of at most ``delta``."""
    if bins < 2:
        return 0.0
    freedom, low = bins - 1.0, bins - 1.0
    high = 4.0 * (freedom + math.log(1.0 / delta)) + 10.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        log_chance = freedom * (1.0 + math.log(middle / freedom)) - middle
        low, high = (middle, high) if log_chance > math.log(delta) else (low, middle)
    return high


def log_e_value(reference: Array, live: Array, allowed: Array) -> Array:
    """Natural logarithm of the e-value of ``live`` [..., K] for ``reference`` [..., K], within ``allowed`` [...] of it.

    Bins of which the reference has no row are to be empty or merged before.
    """
    rows = live.sum(axis=-1)
    share = reference / np.maximum(reference.sum(axis=-1, keepdims=True), 1e-9)
    bins = np.maximum((reference > 0.0).sum(axis=-1), 1)
    mixture = np.stack([_log_dirichlet(live, share, weight * bins) for weight in _WEIGHTS])
    best = mixture.max(axis=0)
    likely = best + np.log(np.exp(mixture - best).mean(axis=0))
    return np.where((rows > 0.0) & (reference.sum(axis=-1) > 0.0), likely - _log_most(reference, live, allowed), 0.0)


def compare_anytime(
    reference: Array, live: Array, *, dispersion: Array, delta: Array, least: Array | float = 10.0
) -> Comparison:
    """As ``compare``, with 1/E in place of p. ``delta`` [S]: the risk that the reference is farther from the truth.

    Bins are merged by the reference alone, since they must stay the same while rows come in. Rows that come in bursts
    of ``dispersion`` are worth so many fewer.
    """
    reference = np.broadcast_to(reference, live.shape)
    rows_m, rows_n = reference.sum(axis=-1), live.sum(axis=-1)
    group = merge_bins(reference / np.maximum(rows_m, 1.0)[..., None], rows_m, least)
    merged, seen = grouped(reference, group), grouped(live, group) / dispersion[:, None]
    bins = (merged > 0.0).sum(axis=-1)
    allowed = np.vectorize(radius, otypes=[np.float64])(bins, np.broadcast_to(delta, bins.shape))
    log_e = np.where(bins > 1, log_e_value(merged, seen, allowed), 0.0)
    _, freedom, psi = statistic(reference, live, group)
    chance = dispersion * freedom * (1.0 / np.maximum(rows_n, 1.0) + 1.0 / np.maximum(rows_m, 1.0))
    return Comparison(rows_n, freedom, np.minimum(0.0, -log_e) / math.log(10.0), psi, psi - chance)


def careful_dispersion(dispersion: Array, quiet_windows: float, freedom: float = 10.0) -> Array:
    """Two standard errors above what so many quiet windows taught of signals with about so much ``freedom``."""
    return np.maximum(1.0, dispersion * (1.0 + 2.0 * math.sqrt(2.0 / (quiet_windows * freedom))))


def visible_psi_anytime(rows: float, reference_rows: float, freedom: int, *, alpha: float, delta: float) -> float:
    """About the PSI that is seen with a chance of 80 %; ``rows`` are what bursts leave of them. Infinite without bins.

    A change must leave the reference's surroundings, and then outgrow the threshold and the price of the mixture.
    """
    if freedom < 1 or rows < 1.0 or reference_rows < 1.0:
        return math.inf
    away, found = math.sqrt(2.0 * radius(freedom + 1, delta) / reference_rows), 0.05
    for _ in range(5):
        price = math.log(len(_WEIGHTS)) + 0.5 * freedom * math.log1p(rows * found / freedom)
        grown = math.sqrt(2.0 * (math.log(1.0 / max(alpha, 1e-300)) + price) / rows)
        found = (away + grown + _POWER_Z * math.sqrt(1.0 / rows + 1.0 / reference_rows)) ** 2
    return found


def _log_dirichlet(live: Array, share: Array, weight: Array) -> Array:
    """Log probability of these rows, in any one order, under a Dirichlet mixture of this weight around ``share``."""
    prior = weight[..., None] * share
    gained = np.where(
        prior > 0.0, _log_gamma(np.maximum(prior + live, 1e-9)) - _log_gamma(np.maximum(prior, 1e-9)), 0.0
    )
    return array(gained.sum(axis=-1) - _log_gamma(weight + live.sum(axis=-1)) + _log_gamma(weight))


def _log_most(reference: Array, live: Array, allowed: Array) -> Array:
    """Log of the largest probability that shares within ``allowed`` of the reference give to the rows.

    The best shares are a mean of both: (live + x reference) / total, with the smallest x that is near enough.
    """
    low, high = np.full(allowed.shape, -30.0), np.full(allowed.shape, 30.0)
    total = reference.sum(axis=-1)
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        mean = _mean(reference, live, middle)
        away = (reference * np.log(np.maximum(reference, 1e-300) / np.maximum(total[..., None] * mean, 1e-300))).sum(-1)
        far = away > allowed
        low, high = np.where(far, middle, low), np.where(far, high, middle)
    best = _mean(reference, live, low)  # a little too far away, so the e-value is never too large
    return array(np.where(live > 0.0, live * np.log(np.maximum(best, 1e-300)), 0.0).sum(axis=-1))


def _mean(reference: Array, live: Array, log_weight: Array) -> Array:
    both = live + np.exp(log_weight)[..., None] * reference
    return array(both / np.maximum(both.sum(axis=-1, keepdims=True), 1e-300))


def _log_gamma(x: Array) -> Array:
    """Stirling's series, eight further; to ten digits for x above 0."""
    steps = sum(np.log(x + step) for step in range(8))
    y = x + 8.0
    series = (y - 0.5) * np.log(y) - y + 0.5 * math.log(2.0 * math.pi)
    return array(series + 1.0 / (12.0 * y) - 1.0 / (360.0 * y**3) + 1.0 / (1260.0 * y**5) - steps)
