"""What a router, or too few pods, cannot do for a strategy is refused, with the reason."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.analysis.signals import signal_of
from rollmodel.plan.deployment.full_size import full_size
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.strategies.strategy import strategy_for
from rollmodel.plan.problem import Problem

__all__ = ["unmet"]


def unmet(spec: ModelDeploymentSpec) -> Problem | None:
    """Why the strategy of this spec cannot be carried out; None where it can."""
    needs, can = strategy_for(spec).needs, router_for(spec).capabilities
    if needs.mirror and not can.mirror:
        message = f"strategy {spec.rollout.strategy} copies requests, which takes a Gateway: set `traffic`"
        return Problem("InvalidSpec", message)
    if needs.header_match and not can.header_match:
        message = f"strategy {spec.rollout.strategy} tells clients apart by a header, which takes a Gateway"
        return Problem("InvalidSpec", f"{message}: set `traffic`")
    if needs.header_match and not _decides(spec):
        message = f"strategy {spec.rollout.strategy} asks the first metric which version is better"
        return Problem("InvalidSpec", f"{message}: it must be errors, `counts` or a `mean`, which have an interval")
    if needs.exact_weights and not can.exact_weights:
        message = f"strategy {spec.rollout.strategy} needs shares that are exact, which takes a Gateway: set `traffic`"
        return Problem("InvalidSpec", message)
    if not needs.surge and full_size(spec) == 1:
        message = f"strategy {spec.rollout.strategy} frees a pod before it starts another, and one must serve meanwhile"
        return Problem("InvalidSpec", f"{message}: it needs 2 replicas or more, and `scale.replicas` is 1")
    return None


def _decides(spec: ModelDeploymentSpec) -> bool:
    """Whether the first metric is of a kind that can be proven better."""
    metrics = spec.analysis.metrics
    return bool(metrics) and signal_of(metrics[0]).plan(metrics[0]).kind in {"count", "mean"}
