"""How much two means differ, with an interval: a new run's metric against the champion's, over folds or draws.

Both intervals take the two samples as independent. Folds of one cross-validation share training data, so their spread
understates the variance somewhat (Bengio and Grandvalet, JMLR 5, 2004); no estimate without bias exists.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence.core.arrays import array

__all__ = ["LEAST_DRAWS", "LEAST_FOLDS", "Difference", "percentiles", "student_quantile", "welch"]

#: A variance needs two values.
LEAST_FOLDS = 2
#: So that one draw at least lies beyond each end of a 95 % interval.
LEAST_DRAWS = 40
#: More degrees of freedom than this count as this many: the quantile is then too wide by at most one part in 100,000.
_MOST_FREEDOM = 1e5
_BISECTIONS = 100
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


class Difference(NamedTuple):
    """First mean minus second, and the ends of its interval; not finite where numbers are too large for a float."""

    middle: float
    low: float
    high: float


@np.errstate(over="ignore", invalid="ignore")
def welch(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Difference:
    """Interval for the difference of two means with unequal variances (Welch, Biometrika 34, 1947).

    first, second: finite values, shape [n] and [m], at least two each. The degrees of freedom are Satterthwaite's
    (Biometrics Bulletin 2, 1946). Without any spread the interval is a point.
    """
    a, b = array(first), array(second)
    middle = float(a.mean() - b.mean())
    parts = np.array([a.var(ddof=1) / a.size, b.var(ddof=1) / b.size])
    variance = float(parts.sum())
    if variance == 0.0:
        return Difference(middle, middle, middle)
    shares = parts / variance
    freedom = 1.0 / float((shares**2 / [a.size - 1, b.size - 1]).sum())
    width = student_quantile(0.5 + confidence / 2, freedom) * math.sqrt(variance)
    return Difference(middle, middle - width, middle + width)


@np.errstate(over="ignore", invalid="ignore")
def percentiles(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Difference:
    """Percentile interval of the difference of independent bootstrap draws (Efron and Tibshirani, 1993, chapter 13).

    first, second: finite draws, shape [n] and [m]; every draw of one is paired with every draw of the other.
    """
    a, b = array(first), array(second)
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(np.subtract.outer(a, b), [tail, 1.0 - tail])
    return Difference(float(a.mean() - b.mean()), float(low), float(high))


def student_quantile(probability: float, freedom: float) -> float:
    """Quantile of Student's t for a probability from 0.5 up to, but without, 1, and at least one degree of freedom.

    With t = sqrt(freedom) tan(angle) the probability between 0 and t is an integral of cos^(freedom - 1), which is
    smooth, so that Gauss and Legendre's rule is exact to rounding; the angle is found by bisection.
    """
    freedom = min(freedom, _MOST_FREEDOM)
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(math.pi)
    low, high = 0.0, math.pi / 2
    for _ in range(_BISECTIONS):
        angle = (low + high) / 2
        at = angle / 2 * (1.0 + _NODES)
        integral = angle / 2 * float(_WEIGHTS @ np.exp(log_scale + (freedom - 1) * np.log(np.cos(at))))
        low, high = (angle, high) if integral < probability - 0.5 else (low, angle)
    return math.sqrt(freedom) * math.tan(low)
