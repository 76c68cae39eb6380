"""How many pods must serve while pods are swapped, and how much a candidate may get beside them."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ModelDeploymentSpec, SwapPolicy

__all__ = ["least_serving", "most_weight"]


def least_serving(spec: ModelDeploymentSpec, full: int) -> int:
    """Ready pods of both revisions, of ``full``, that stay: all but one at most, for one must be freed."""
    percent = (spec.rollout.swap or SwapPolicy()).min_available_percent
    return max(min(full, 1), min(full - 1, -(-full * percent // 100)))


def most_weight(spec: ModelDeploymentSpec, full: int) -> int:
    """Largest weight of a step: so much the pods carry that may be freed, so that the others can take all back."""
    return 100 * (full - least_serving(spec, full)) // full if full else 100
