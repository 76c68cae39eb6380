"""The guard of a cold start for means: it bets on gaps that are far larger than ordinary noise.

The line is 1.5 times the stable mean (where lower is worse, 1 / 1.5 of it), the variance what the windows before show.
A window brings a fifth of the way at most, so that at least five must agree: a variance from a few windows may be
too small, and line and cap are what a healthy version would have to pass. As in the test itself the bound is measured.
"""

from __future__ import annotations

import numpy as np

from rollmodel.evidence.core.arrays import Array, Mask, array
from rollmodel.evidence.glaring import RATIO

__all__ = ["FREEDOM", "GAPS", "line", "ready"]

#: Alternatives beyond the line, in parts of the stable mean.
GAPS = array([0.5, 1.0, 3.0, 9.0])
#: Degrees of freedom of the variance from which on the guard bets: two for each window after the first.
FREEDOM = 4.0


def line(ratio: Array, sign: Array) -> Array:
    """The ratio that counts as glaring: beyond the harm line's, and beyond the guard's."""
    own = np.where(sign > 0, RATIO, 1.0 / RATIO)
    return np.where(sign > 0, np.maximum(ratio, own), np.minimum(ratio, own))


def ready(freedom: Array) -> Mask:
    """Whether the variance is known well enough to bet."""
    return np.asarray(freedom >= FREEDOM)
