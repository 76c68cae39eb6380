"""A HorizontalPodAutoscaler that computes: the sum of its controller for a metric of pods, such as CPU.

Source: kubernetes/pkg/controller/podautoscaler/replica_calculator.go (GetResourceReplicas, calcPlainMetricReplicas) and
horizontal.go (stabilizeRecommendation, scale up by at most twice or four pods).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Autoscaler", "desired"]

TOLERANCE = 0.1


def desired(current: int, loads: Sequence[float | None], *, unready: int, target: float) -> int:
    """What the sum asks for. ``loads`` are of the ready pods, None where a pod has no metrics yet."""
    known = [load for load in loads if load is not None]
    if not known:
        return current
    missing = len(loads) - len(known)
    ratio = sum(known) / (target * len(known))
    idle = unready if ratio > 1 else 0
    if not missing and not idle:
        return current if abs(ratio - 1) <= TOLERANCE else math.ceil(ratio * len(known))
    assumed = [target if ratio < 1 else 0.0] * missing + [0.0] * idle
    pods = len(known) + len(assumed)
    careful = (sum(known) + sum(assumed)) / (target * pods)
    if abs(careful - 1) <= TOLERANCE or (ratio < 1) != (careful < 1):
        return current
    wanted = math.ceil(careful * pods)
    return current if (careful < 1 and wanted > current) or (careful > 1 and wanted < current) else wanted


@dataclass
class Autoscaler:
    """One with its default behaviour. ``target`` is what the requests of one pod may cost per second."""

    target: float
    least: int = 1
    most: int = 100
    stabilization: float = 300.0
    said: list[tuple[float, int]] = field(default_factory=list)

    def replicas(self, current: int, loads: Sequence[float | None], *, unready: int, now: float) -> int:
        """What it writes: the largest of its sums of the last minutes, where that is fewer than there are."""
        if current == 0:
            return 0
        wanted = desired(current, loads, unready=unready, target=self.target)
        self.said = [(moment, said) for moment, said in self.said if moment > now - self.stabilization]
        self.said.append((now, wanted))
        if wanted < current:
            wanted = min(current, max(said for _, said in self.said))
        return max(self.least, min(self.most, wanted, max(2 * current, current + 4)))
