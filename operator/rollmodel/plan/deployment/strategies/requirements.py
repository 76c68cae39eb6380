"""What a router, or too few pods, cannot do for a strategy is refused, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.analysis.signals import signal_of
from rollmodel.plan.deployment.full_size import full_size
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.strategies.baseline.compared import asks_baseline
from rollmodel.plan.deployment.strategies.table import strategy_for
from rollmodel.plan.problem import Problem

__all__ = ["unmet"]


def unmet(spec: ModelDeploymentSpec) -> Problem | None:
    """Why the strategy of this spec cannot be carried out; None where it can."""
    message = next(_unmet(spec), None)
    return None if message is None else Problem("InvalidSpec", message)


def _unmet(spec: ModelDeploymentSpec) -> Iterator[str]:
    strategy, needs, can = spec.rollout.strategy, strategy_for(spec).needs, router_for(spec).capabilities
    if needs.mirror and not can.mirror and spec.traffic is not None and spec.traffic.inference_pool is not None:
        why = "copies requests, and no endpoint picker chooses a pod for a copy"
        yield f"strategy {strategy} {why}: omit `traffic.inferencePool`"
    elif needs.mirror and not can.mirror:
        yield f"strategy {strategy} copies requests, which takes a Gateway: set `traffic.parentRefs`"
    if needs.header_match and not can.header_match:
        yield f"strategy {strategy} tells clients apart by a header, which takes a Gateway: set `traffic.parentRefs`"
    if needs.exact_weights and not can.exact_weights:
        yield f"strategy {strategy} needs shares that are exact, which takes a Gateway: set `traffic`"
    if not can.exact_weights and any(step.pods_percent for step in spec.rollout.steps):
        yield "`podsPercent` of a step takes a Gateway: without `traffic` pods get their share by their number"
    if asks_baseline(spec) and not can.exact_weights:
        yield "`baseline: Fresh` takes a Gateway: without `traffic` pods get their share by their number; set `traffic`"
    if spec.rollout.ramp is not None and not spec.analysis.metrics:
        yield "a `ramp` follows the evidence: name at least one metric in `analysis.metrics`, or write `steps`"
    if needs.header_match and not _decides(spec):
        kinds = "it must be errors, `counts` or a `mean`, which have an interval"
        yield f"strategy {strategy} asks the first metric which version is better: {kinds}"
    if not needs.surge and full_size(spec) == 1:
        message = f"strategy {strategy} frees a pod before it starts another, and one must serve meanwhile"
        yield f"{message}: it needs 2 replicas or more, and `scale.replicas` is 1"


def _decides(spec: ModelDeploymentSpec) -> bool:
    """Whether the first metric is of a kind that can be proven better."""
    metrics = spec.analysis.metrics
    return bool(metrics) and signal_of(metrics[0]).plan(metrics[0]).kind in {"count", "mean"}
