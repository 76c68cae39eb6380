"""How much more than independent requests the contrast of two arms varies, learnt from the contrast itself.

Real errors come in bursts, and arms have noise of their own that lasts for several ticks. Evidence is then worth less
than the counts say: it is raised to the power 1/phi. With a = ka nb/N and b = na kb/N of a tick, the contrast
a - R b about the running Mantel-Haenszel ratio R cancels load and incidents that both arms share, and a real constant
effect too. D compares its variance with that of independent requests, C its lag-1 autocovariance.

    phi = max(1, D) + 2 max(0, C) / (1 - 0.7)

bounds the sum over all lags for correlation that decays at least as fast as 0.7^k. phi is estimated, so under noise the
risk is a measured one, no longer a theorem; for independent requests the prior keeps it near 1.

The sums hold d = a - b in place of a: near R = 1 nothing cancels when they are rounded to few digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.core.evalue import Tick

__all__ = ["Contrast", "Estimate", "Prior", "accumulate", "empty", "estimate", "fold", "phi", "ratio", "temper"]

#: Assumed decay of the autocorrelation from lag to lag.
DECAY = 0.7
RATIO_RANGE = (0.02, 50.0)
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Contrast:
    """Running sums of the contrast, each of shape [...]; ``last_*`` are of the tick before."""

    a: Array
    b: Array
    dd: Array
    db: Array
    bb: Array
    lag_dd: Array
    lag_db: Array
    lag_bb: Array
    var_a: Array
    var_b: Array
    ticks: Array
    last_d: Array
    last_b: Array


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of D and C before the rollout, and how many ticks that belief is worth. Shape [...]."""

    dispersion: Array
    lag: Array
    ticks: Array


@dataclass(frozen=True, slots=True)
class Estimate:
    """D, C and the effective number of ticks behind them, shape [...]."""

    dispersion: Array
    lag: Array
    ticks: Array


def empty(shape: tuple[int, ...]) -> Contrast:
    """The sums before the first tick."""
    zero = np.zeros(shape)
    return Contrast(*(zero,) * 13)


def contrast(counts: Tick) -> tuple[Array, Array, Array, Array]:
    """a, b of a tick, and their variances per (1 - p) for independent requests; zeros where there is no traffic."""
    total = np.maximum(counts.na + counts.nb, TINY)
    share_a, share_b = counts.na / total, counts.nb / total
    a, b = counts.ka * share_b, counts.kb * share_a
    return a, b, a * share_b, b * share_a


def fold(sums: Contrast, counts: Tick, rate: Array) -> Contrast:
    """The sums with one more tick; ``rate`` is the pooled bad fraction so far. Both arms should have traffic."""
    a, b, var_a, var_b = contrast(counts)
    d, last_d, last_b = a - b, sums.last_d, sums.last_b
    return Contrast(
        a=sums.a + a,
        b=sums.b + b,
        dd=sums.dd + d * d,
        db=sums.db + d * b,
        bb=sums.bb + b * b,
        lag_dd=sums.lag_dd + d * last_d,
        lag_db=sums.lag_db + d * last_b + b * last_d,
        lag_bb=sums.lag_bb + b * last_b,
        var_a=sums.var_a + (1.0 - rate) * var_a,
        var_b=sums.var_b + (1.0 - rate) * var_b,
        ticks=sums.ticks + 1.0,
        last_d=d,
        last_b=b,
    )


def accumulate(counts: Tick) -> Contrast:
    """The sums of a whole history: counts of shape [..., T], time last, with traffic on both arms in every tick."""
    a, b, var_a, var_b = contrast(counts)
    bad, total = np.cumsum(counts.ka + counts.kb, axis=-1), np.cumsum(counts.na + counts.nb, axis=-1)
    d, good = a - b, 1.0 - bad / total
    return Contrast(
        a=a.sum(-1),
        b=b.sum(-1),
        dd=(d * d).sum(-1),
        db=(d * b).sum(-1),
        bb=(b * b).sum(-1),
        lag_dd=(d[..., 1:] * d[..., :-1]).sum(-1),
        lag_db=(d[..., 1:] * b[..., :-1] + b[..., 1:] * d[..., :-1]).sum(-1),
        lag_bb=(b[..., 1:] * b[..., :-1]).sum(-1),
        var_a=(good * var_a).sum(-1),
        var_b=(good * var_b).sum(-1),
        ticks=np.full(d.shape[:-1], float(d.shape[-1])),
        last_d=d[..., -1],
        last_b=b[..., -1],
    )


def ratio(sums: Contrast) -> Array:
    """Mantel-Haenszel ratio of the candidate's rate to the stable rate; 1 before the first bad request."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(sums.a + sums.b > 0, sums.a / sums.b, 1.0)
    return np.clip(value, *RATIO_RANGE)


def estimate(sums: Contrast) -> Estimate:
    """D and C of the ticks so far; D = 1, C = 0 and no weight while there is nothing to estimate from."""
    excess = ratio(sums) - 1.0
    variance = sums.var_a + (1.0 + excess) ** 2 * sums.var_b
    known = variance > 0
    scale = np.where(known, variance, 1.0)
    ticks = np.maximum(sums.ticks, 1.0)
    spread = (sums.dd - 2.0 * excess * sums.db + excess**2 * sums.bb) / scale
    lag = (sums.lag_dd - excess * sums.lag_db + excess**2 * sums.lag_bb) / scale + spread / ticks
    unbiased = spread * ticks / np.maximum(ticks - 1.0, 1.0)
    return Estimate(np.where(known, unbiased, 1.0), np.where(known, lag, 0.0), effective_ticks(sums))


def effective_ticks(sums: Contrast) -> Array:
    """Ticks discounted for those without bad requests: T ev / (T + ev), ev = 2 min(sum a, sum b)."""
    events = 2.0 * np.minimum(sums.a, sums.b)
    both = sums.ticks + events
    return np.where(both > 0, sums.ticks * events / np.where(both > 0, both, 1.0), 0.0)


def phi(sums: Contrast, prior: Prior) -> Array:
    """The over-dispersion by which the next tick's log e is divided, at least 1: estimate shrunk to the prior."""
    return temper(estimate(sums), prior)


def temper(now: Estimate, prior: Prior) -> Array:
    """The phi of an estimate shrunk to a prior by their effective ticks."""
    weight = prior.ticks + now.ticks
    dispersion = (prior.ticks * prior.dispersion + now.ticks * now.dispersion) / weight
    lag = (prior.ticks * prior.lag + now.ticks * now.lag) / weight
    return np.maximum(1.0, dispersion) + 2.0 * np.maximum(0.0, lag) / (1.0 - DECAY)
