"""How much more than chance counts vary, learnt from quiet windows; and whether the test then keeps its level.

Requests come in bursts and from the same users, so 1000 rows may be worth 200. Each quiet window is compared with all
the others together (leave-one-out): a window that is part of its own reference looks calmer than it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.compare import merge_bins, statistic
from rollmodel.evidence.drift.tails import log_tail_f

__all__ = ["LEVEL", "Learnt", "learn", "replay"]

#: The level at which the test is replayed, over all signals of a window.
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Learnt:
    """``dispersion`` [S] is at least 1. Of ``windows`` quiet windows ``alarms`` were seen as drift at :data:`LEVEL`."""

    dispersion: Array
    windows: int
    alarms: int

    @property
    def calibrated(self) -> bool:
        """Whether alarms are not clearly more than twice what the level allows (binomial, 5 %)."""
        rate, n = 2.0 * LEVEL, self.windows
        return sum(math.comb(n, k) * rate**k * (1.0 - rate) ** (n - k) for k in range(self.alarms, n + 1)) >= 0.05


def learn(quiet: Array, *, least: float = 10.0, phases: Sequence[float] | None = None) -> Learnt:
    """From the counts of quiet windows [T, S, K], T of at least 2.

    ``phases`` [T] are those of a season: a window is compared with the others of its phase, of which there must be one.
    """
    windows = len(quiet)
    ratio, freedom = _beside_others(quiet, _others(quiet, phases), least)
    dispersion = _shrunk(ratio.mean(axis=0), windows * np.maximum(freedom.mean(axis=0), 1.0))
    without = np.maximum(1.0, (windows * dispersion - ratio) / (windows - 1))
    return Learnt(np.maximum(1.0, dispersion), windows, _seen(ratio / without, freedom, taught_by=windows - 1))


def replay(windows: Array, dispersion: Array, *, taught_by: float, least: float = 10.0) -> int:
    """How many of these windows [T, S, K] are seen as drift at :data:`LEVEL`, each compared with all the others.

    ``dispersion`` [S] was learnt before, from ``taught_by`` windows.
    """
    ratio, freedom = _beside_others(windows, _others(windows, None), least)
    return _seen(ratio / dispersion, freedom, taught_by=taught_by)


def _beside_others(quiet: Array, others: Array, least: float) -> tuple[Array, Array]:
    """Of each window [T, S] the chi-square over its freedom, and the freedom."""
    rows = np.minimum(quiet.sum(axis=-1), others.sum(axis=-1))
    share = quiet.sum(axis=0) / np.maximum(quiet.sum(axis=(0, -1)), 1.0)[..., None]
    chi, freedom, _ = statistic(others, quiet, merge_bins(share, rows, least))
    return np.divide(chi, freedom, out=np.ones_like(chi), where=freedom > 0), freedom


def _seen(ratio: Array, freedom: Array, *, taught_by: float) -> int:
    log_p = log_tail_f(ratio, freedom, taught_by * np.maximum(freedom, 1.0))
    return int((log_p.min(axis=-1) < math.log(LEVEL / ratio.shape[1])).sum())


def _others(quiet: Array, phases: Sequence[float] | None) -> Array:
    """For each window the sum of all others of its phase [T, S, K]."""
    together: Array = quiet.sum(axis=0)
    if phases is not None:
        same = np.equal.outer(np.asarray(phases), np.asarray(phases)).astype(np.float64)
        together = np.tensordot(same, quiet, axes=1)
    return together - quiet


def _shrunk(found: Array, freedom: Array) -> Array:
    """Drawn to their median as far as they differ no more than chance (empirical Bayes)."""
    centre = float(np.median(found))
    chance = float(np.mean(2.0 * centre**2 / freedom))
    spread = float(np.mean((found - centre) ** 2))
    keep = max(0.0, 1.0 - chance / spread) if spread > 0.0 else 0.0
    return centre + keep * (found - centre)
