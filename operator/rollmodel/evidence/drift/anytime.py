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

__all__ = ["careful_dispersion", "compare_anytime", "log_e_value", "log_most", "radius", "visible_psi_anytime"]

#: Prior weight of the reference, in rows for each bin: for large, middle and small changes.
_WEIGHTS = (1.0, 10.0, 100.0)
_STEPS, _NEWTON_STEPS = 50, 8
#: Bounds of log x: beyond them the live rows, or the reference, count for nothing.
_FARTHEST = 30.0
_TINY, _LEAST = 1e-300, 1e-9
#: A distance that is off by so little, as a part of itself, moves log E by a millionth of what is allowed.
_NEAR = 1e-3
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
    reference = reference[(None,) * (live.ndim - reference.ndim)]
    rows, reference_rows = live.sum(axis=-1), reference.sum(axis=-1)
    share = reference / np.maximum(reference_rows, 1e-9)[..., None]
    bins = np.maximum((reference > 0.0).sum(axis=-1), 1)
    mixture = _log_dirichlet(live, share, np.multiply.outer(_WEIGHTS, bins))
    best = mixture.max(axis=0)
    likely = best + np.log(np.exp(mixture - best).mean(axis=0))
    return np.where((rows > 0.0) & (reference_rows > 0.0), likely - log_most(reference, live, allowed), 0.0)


def compare_anytime(
    reference: Array, live: Array, *, dispersion: Array, delta: Array, least: Array | float = 10.0
) -> Comparison:
    """As ``compare``, with 1/E in place of p. ``delta`` [S]: the risk that the reference is farther from the truth.

    Bins are merged by the reference alone, since they must stay the same while rows come in. Rows that come in bursts
    of ``dispersion`` are worth so many fewer.
    """
    known = _without_copies(np.asarray(reference))
    rows_m, rows_n = known.sum(axis=-1), live.sum(axis=-1)
    group = merge_bins(known / np.maximum(rows_m, 1.0)[..., None], rows_m, least)
    merged, seen = grouped(known, group), grouped(live, group) / dispersion[:, None]
    bins = (merged > 0.0).sum(axis=-1)
    allowed = np.vectorize(radius, otypes=[np.float64])(bins, np.broadcast_to(delta, bins.shape))
    log_e = np.where(bins > 1, log_e_value(merged, seen, allowed), 0.0)
    _, freedom, psi = statistic(known, live, group)
    chance = dispersion * freedom * (1.0 / np.maximum(rows_n, 1.0) + 1.0 / np.maximum(rows_m, 1.0))
    return Comparison(rows_n, freedom, np.minimum(0.0, -log_e) / math.log(10.0), psi, psi - chance)


def _without_copies(reference: Array) -> Array:
    """The reference [S, K] where all windows have the same one (``np.broadcast_to``): then it is looked at once."""
    while reference.ndim > 2 and reference.strides[0] == 0:
        reference = reference[0]
    return reference


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
    """Log probability of these rows [..., K], in any one order, under a Dirichlet mixture around ``share``, of each
    weight [W, ...]: [W, ...].
    """
    prior = np.maximum(weight[..., None] * share, _LEAST)
    gained = np.where(share > 0.0, _log_gamma(prior + live) - _log_gamma(prior), 0.0)
    return array(gained.sum(axis=-1) - _log_gamma(weight + live.sum(axis=-1)) + _log_gamma(weight))


def log_most(reference: Array, live: Array, allowed: Array) -> Array:
    """Log of the largest probability that shares within ``allowed`` of the reference give to the rows, or a bit more.

    The best shares are a mean of both, (live + x reference) / total, where x is the price of the distance (Lagrange's
    multiplier). Every x gives an upper bound (weak duality), and near the best one it hardly differs from the maximum:
    so a few of Newton's steps do, and wherever they end the e-value is not too large. They begin where shares are
    near enough whatever the rows, from where none goes too far: log distance is concave in log x.
    """
    n, m = live.sum(axis=-1), np.maximum(reference.sum(axis=-1), _TINY)
    ratio = np.divide(live * m[..., None], reference, out=n[..., None] + 0.0 * live, where=reference > 0.0)
    excess = ratio - n[..., None]  # of live rows in a bin, in units of the reference's share: -n where there are none
    within = np.maximum(allowed, _LEAST)
    log_x = np.log(np.maximum(n, _TINY)) - np.log(m) - np.log(np.expm1(np.minimum(within / m, 500.0)))
    for _ in range(_NEWTON_STEPS):
        log_x = np.maximum(np.minimum(log_x, _FARTHEST), -_FARTHEST)
        x = np.exp(log_x)
        total = n + x * m
        away, steep = _distance(reference, excess / total[..., None])
        miss = np.log(away / within)
        if ((np.abs(miss) < _NEAR) | ((miss < 0.0) & (log_x <= -_FARTHEST))).all():
            break
        log_x += miss / np.maximum(np.minimum(x * m / total * steep / away, 2.0), 1e-6)
    x = np.exp(np.maximum(np.minimum(log_x, _FARTHEST), -_FARTHEST))
    total = n + x * m
    away, _ = _distance(reference, excess / total[..., None])
    both = np.maximum((live + x[..., None] * reference) / total[..., None], _TINY)
    return array((live * np.log(both)).sum(axis=-1) + x * (allowed - away))


def _distance(reference: Array, change: Array) -> tuple[Array, Array]:
    """Reference rows times the divergence of shares (1 + change) times its own, and the sum of rows change^2 / (1 +
    change), which is how fast it falls.
    """
    change = np.maximum(change, -1.0 + 1e-15)
    away = (reference * (change - np.log1p(change))).sum(axis=-1)
    return np.maximum(away, _TINY), np.maximum((reference * change**2 / (1.0 + change)).sum(axis=-1), _TINY)


def _log_gamma(x: Array) -> Array:
    """Stirling's series, eight further; to ten digits for x above 0 and below 1e38."""
    steps = np.log(x * (x + 1.0) * (x + 2.0) * (x + 3.0) * (x + 4.0) * (x + 5.0) * (x + 6.0) * (x + 7.0))
    y = x + 8.0
    part = 1.0 / y
    square = part * part
    rest = part * (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0))
    return array((y - 0.5) * np.log(y) - y + 0.5 * math.log(2.0 * math.pi) + rest - steps)
