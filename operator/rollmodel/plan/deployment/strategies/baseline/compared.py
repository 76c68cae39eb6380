"""Whose requests are compared: the candidate's with those of the stable revision, or of its fresh pods."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentSpec
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.goals import Comparison
from rollmodel.plan.deployment.strategies.strategy import Strategy

__all__ = ["asks_baseline", "compared", "compared_share"]


def asks_baseline(spec: ModelDeploymentSpec) -> bool:
    """Whether the candidate is to be compared with fresh pods."""
    return spec.rollout.baseline == "Fresh"


def compared(
    strategy: Strategy[Rollout], stable: ArmStatus, candidate: ArmStatus, baseline: ArmStatus | None
) -> Comparison:
    """Who is judged against whom, where there is a baseline or none. The past is always that of the stable revision."""
    found = strategy.comparison(stable, candidate)
    return found if baseline is None else replace(found, stable=baseline.revision)


def compared_share(candidate: ArmStatus, baseline: ArmStatus | None) -> float:
    """The candidate's part, 0 .. 1, of the requests that are compared, by the weights that are observed."""
    if baseline is None or candidate.weight == 100:
        return candidate.weight / 100
    return candidate.weight / ((candidate.weight + baseline.weight) or 1)
