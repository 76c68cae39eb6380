"""From looks to an alarm: the threshold of a look, and how many looks in a row it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rollmodel.evidence.core.arrays import Array

__all__ = ["QUIET", "Hysteresis", "Track", "thresholds"]

Verdict = Literal["Stable", "Suspected", "Drifted"]


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """So many looks in a row raise an alarm, and so many clear it."""

    raise_after: int = 3
    clear_after: int = 6


@dataclass(frozen=True, slots=True)
class Track:
    """What one signal said so far. ``looks`` in a row that saw a change (Suspected), or saw none (Drifted)."""

    verdict: Verdict = "Stable"
    looks: int = 0

    def look(self, *, changed: bool, clear: bool, rule: Hysteresis) -> Track:
        """After one more look. Between ``changed`` and ``clear`` lies the doubt, which neither raises nor clears."""
        if self.verdict == "Drifted":
            looks = self.looks + 1 if clear and not changed else 0
            return QUIET if looks >= rule.clear_after else Track("Drifted", looks)
        if not changed:
            return QUIET
        looks = self.looks + 1
        return Track("Drifted", 0) if looks >= rule.raise_after else Track("Suspected", looks)


QUIET = Track()


def thresholds(weights: Array, *, budget: float, looks: float, windows: int) -> Array:
    """The p-value below which each signal has changed: the budget by weight, look and window (Bonferroni)."""
    weights = np.asarray(weights, dtype=np.float64)
    total = weights.sum()
    return budget * weights / total / (looks * windows) if total > 0.0 else np.zeros_like(weights)
