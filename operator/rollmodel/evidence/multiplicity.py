"""Several metrics under one risk: the weighted mean of e-processes is one, whatever they have to do with each other.

Source: Vovk and Wang (arXiv 1912.06116). Never worse than alpha/m for each metric, since the mean reaches 1/alpha
whenever one E reaches m/alpha. Proof of safety needs every metric, and therefore no correction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rollmodel.evidence.core.types import MetricPlan

__all__ = ["blame", "joint_log_evidence", "weights"]

#: Kinds of metrics with an e-process against harm.
TESTED = ("count", "latency", "mean", "paired", "difference")


def weights(metrics: Sequence[MetricPlan]) -> dict[str, float]:
    """Each tested metric's part of the risk; they sum to 1."""
    tested = {m.name: m.weight for m in metrics if m.kind in TESTED}
    total = sum(tested.values())
    return {name: weight / total for name, weight in tested.items()}


def joint_log_evidence(log_e: Mapping[str, float], share: Mapping[str, float]) -> float:
    """Log of the weighted mean of E over the metrics; -inf without metrics."""
    terms = [value + math.log(share[name]) for name, value in log_e.items()]
    top = max(terms, default=-math.inf)
    return top + math.log(sum(math.exp(t - top) for t in terms)) if math.isfinite(top) else top


def blame(log_e: Mapping[str, float], share: Mapping[str, float], level: float) -> tuple[str, ...]:
    """The metrics that make the proof: those whose part alone reaches the joint level, else the largest part."""
    parts = {name: value + math.log(share[name]) for name, value in log_e.items()}
    guilty = tuple(name for name, part in parts.items() if part >= level)
    return guilty or (max(parts, key=lambda name: parts[name]),)
