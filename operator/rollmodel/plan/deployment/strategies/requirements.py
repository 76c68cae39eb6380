"""What a router cannot do for a strategy is refused, with the reason."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.strategies.strategy import strategy_for
from rollmodel.plan.problem import Problem

__all__ = ["unmet"]


def unmet(spec: ModelDeploymentSpec) -> Problem | None:
    """Why the router of this spec cannot carry out its strategy; None where it can."""
    needs, can = strategy_for(spec).needs, router_for(spec).capabilities
    if needs.mirror and not can.mirror:
        message = f"strategy {spec.rollout.strategy} copies requests, which takes a Gateway: set `traffic`"
        return Problem("InvalidSpec", message)
    return None
