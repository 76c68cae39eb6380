"""How unlikely a large chi-square or F is, as a logarithm: thresholds are a millionth and less.

Chi-square with whole degrees of freedom has a finite sum; F is a regularised incomplete beta function, computed by its
continued fraction (as in Press et al., Numerical Recipes, section 6.4).
"""

from __future__ import annotations

import math

import numpy as np

from rollmodel.evidence.core.arrays import Array

__all__ = ["log_tail_chi_square", "log_tail_f", "log_tail_normal"]

_TINY = 1e-300
_PARTS = 6
_lgamma = np.vectorize(math.lgamma, otypes=[np.float64])


def log_tail_normal(z: Array) -> Array:
    """Log P(Z > z) of a standard normal."""
    z = np.asarray(z, dtype=np.float64)
    near = np.array([math.erfc(min(one, 25.0) / math.sqrt(2.0)) for one in z.ravel().tolist()]).reshape(z.shape)
    far = np.maximum(z, 5.0)
    series = -0.5 * far**2 - np.log(far * math.sqrt(2.0 * math.pi)) + np.log1p(-(far**-2) + 3.0 * far**-4)
    return np.where(z > 20.0, series, np.log(np.maximum(0.5 * near, _TINY)))


def log_tail_chi_square(x: Array, freedom: Array) -> Array:
    """Log P(X > x) for whole ``freedom`` of at least 0; elementwise. With freedom 0 nothing is unlikely."""
    x, freedom = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(freedom, dtype=np.int64))
    half, odd = np.maximum(x, _TINY) / 2.0, freedom % 2 == 1
    total = np.where(odd, log_tail_normal(np.sqrt(2.0 * half)) + math.log(2.0), -np.inf)
    log_half = np.log(half)
    for index in range(int(freedom.max(initial=0)) // 2):
        power = index + np.where(odd, 0.5, 0.0)
        term = power * log_half - half - np.where(odd, math.lgamma(index + 1.5), math.lgamma(index + 1.0))
        total = np.where(index < freedom // 2, np.logaddexp(total, term), total)
    return np.where((freedom == 0) | (x <= 0.0), 0.0, np.minimum(total, 0.0))


def log_tail_f(value: Array, freedom: Array, freedom_below: Array) -> Array:
    """Log P(F > value), elementwise; ``freedom`` 0 gives 0."""
    value, freedom, below = np.broadcast_arrays(
        *(np.asarray(one, dtype=np.float64) for one in (value, freedom, freedom_below))
    )
    a, b = below / 2.0, np.maximum(freedom, 1.0) / 2.0
    x = np.clip(2.0 * a / (2.0 * a + 2.0 * b * np.maximum(value, 0.0)), 1e-300, 1.0 - 1e-15)
    direct = x < (a + 1.0) / (a + b + 2.0)
    first, second = np.where(direct, a, b), np.where(direct, b, a)
    beta = _log_beta(np.where(direct, x, 1.0 - x), first, second)
    result = np.where(direct, beta, np.log(np.maximum(-np.expm1(np.minimum(beta, 0.0)), _TINY)))
    return np.where((freedom == 0.0) | (value <= 0.0), 0.0, np.minimum(result, 0.0))


def _log_beta(x: Array, a: Array, b: Array) -> Array:
    """Log I_x(a, b), for x below (a + 1) / (a + b + 2)."""
    front = a * np.log(x) + b * np.log1p(-x) + _lgamma(a + b) - _lgamma(a) - _lgamma(b)
    found: Array = front + np.log(_fraction(x, a, b)) - np.log(a)
    return found


def _fraction(x: Array, a: Array, b: Array) -> Array:
    """From its last part to its first, so that all parts are computed at once: that is several times faster.

    Below the mean of the distribution it needs about the root of the larger parameter.
    """
    parts = math.ceil(_PARTS + 2.0 * math.sqrt(max(float(a.max(initial=1.0)), float(b.max(initial=1.0)))))
    m = np.arange(1, parts + 1).reshape(-1, *(1,) * x.ndim)
    even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
    odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
    rest = np.ones_like(x)
    for index in range(parts - 1, -1, -1):
        rest = 1.0 + even[index] / (1.0 + odd[index] / rest)
    return 1.0 / (1.0 - (a + b) * x / (a + 1.0) / rest)
