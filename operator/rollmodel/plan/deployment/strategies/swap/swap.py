"""The swap: a canary without a pod more than there are, for scarce GPUs."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.full_size import full_size
from rollmodel.plan.deployment.strategies.canary import Canary
from rollmodel.plan.deployment.strategies.goals import Goal, Needs
from rollmodel.plan.deployment.strategies.swap.limits import most_weight

__all__ = ["Swap"]


class Swap(Canary):
    """The steps of a canary, as far as pods may be freed for them; how pods are swapped is in ``places``."""

    needs = Needs(exact_weights=True, surge=False)

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        """The weight of the step, but no more than the others can take back at any moment."""
        goal, most = super().goal(spec, step), most_weight(spec, full_size(spec))
        return replace(goal, weight=min(goal.weight, most), sized_for=min(goal.sized_for, most))
