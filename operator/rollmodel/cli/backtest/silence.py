"""Which candidates of recorded rollouts count nothing, although stable does: by the operator's own rule.

A record says what was counted and not how the traffic was split, so the split is taken to be the weight of the step.
"""

from __future__ import annotations

import numpy as np

from rollmodel.evidence.core.arrays import Array, Mask
from rollmodel.plan.deployment.analysis.missing.silence import MISSING_REQUESTS, least_seconds

__all__ = ["Silence"]


class Silence:
    """The silence of R candidates so far. ``interval`` and ``delay`` (of labels) in seconds."""

    def __init__(self, rollouts: int, interval: float, delay: float) -> None:
        self._interval, self._settled = interval, delay + interval
        self._since = np.full(rollouts, np.nan)
        self._stable = np.zeros(rollouts)

    def after(self, requests: Array, weights: Array, end: float) -> Mask:
        """Who is silent after the window that ended at ``end`` (seconds after the begin).

        requests: those of candidate and stable in the window, [2, R]; weights: the candidates', in percent, [R].
        """
        start = end - self._interval
        spoke = (requests[0] > 0) | (weights >= 100)
        missing = ~spoke & (requests[1] > 0) & (start >= self._settled)
        self._since = np.where(spoke, np.nan, np.where(missing & np.isnan(self._since), start, self._since))
        self._stable = np.where(spoke, 0.0, self._stable + np.where(missing, requests[1], 0.0))
        expected = self._stable * weights / np.maximum(100 - weights, 1)
        return np.asarray((end - self._since >= least_seconds(self._interval)) & (expected >= MISSING_REQUESTS))
