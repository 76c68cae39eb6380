"""The table of strategies. ``spec.rollout.strategy`` is read here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.ab_test import ABTest
from rollmodel.plan.deployment.strategies.blue_green import BlueGreen
from rollmodel.plan.deployment.strategies.canary import Canary
from rollmodel.plan.deployment.strategies.shadow import Shadow
from rollmodel.plan.deployment.strategies.strategy import Strategy
from rollmodel.plan.deployment.strategies.swap.swap import Swap

__all__ = ["STRATEGIES", "strategy_for"]

STRATEGIES: Mapping[str, Strategy[Rollout]] = {
    "ABTest": ABTest(),
    "BlueGreen": BlueGreen(),
    "Canary": Canary(),
    "Shadow": Shadow(),
    "Swap": Swap(),
}


def strategy_for(spec: ModelDeploymentSpec) -> Strategy[Rollout]:
    """The strategy that a spec asks for."""
    return STRATEGIES[spec.rollout.strategy]
