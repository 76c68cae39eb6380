"""The desired state of a ModelDeployment."""

from __future__ import annotations

from rollmodel.api.base import ApiModel
from rollmodel.api.modeldeployment.analysis import Analysis
from rollmodel.api.modeldeployment.rollout import Rollout
from rollmodel.api.modeldeployment.scale import Scale
from rollmodel.api.modeldeployment.serving import Runtime, Traffic
from rollmodel.api.modeldeployment.source import ModelSource
from rollmodel.api.notify import Notify
from rollmodel.api.schema import Rule

__all__ = ["ModelDeploymentSpec"]


_HTTP = "!has(self.traffic) || !has(self.traffic.protocol) || self.traffic.protocol == 'HTTP'"


class ModelDeploymentSpec(ApiModel):
    """The desired state. The operator never writes it."""

    rules = (
        Rule(
            "self.rollout.maxBlindSeconds >= 2 * self.analysis.intervalSeconds",
            "must have `rollout.maxBlindSeconds` of at least twice `analysis.intervalSeconds`:"
            " otherwise every pause between two looks counts as blind",
        ),
        Rule(
            "self.rollout.strategy != 'Shadow' || has(self.traffic)",
            "must have `traffic` for the strategy 'Shadow': requests are copied by a Gateway, and without `traffic`"
            " there is none",
        ),
        Rule(
            "self.rollout.strategy != 'ABTest' || (has(self.traffic) && size(self.analysis.metrics) > 0)",
            "must have `traffic` and `analysis.metrics` for the strategy 'ABTest': a Gateway tells clients apart, and"
            " the first metric decides",
        ),
        Rule(
            "self.rollout.strategy != 'Swap' || has(self.traffic)",
            "must have `traffic` for the strategy 'Swap': while pods are swapped each revision gets its share by"
            " weight",
        ),
        Rule(
            "!has(self.rollout.baseline) || self.rollout.baseline == 'Stable'"
            " || (has(self.traffic) && size(self.analysis.metrics) > 0)",
            "must have `traffic` and `analysis.metrics` for `rollout.baseline` 'Fresh': a Gateway gives baseline and"
            " candidate the same weight, and metrics compare them",
        ),
        Rule(
            f"{_HTTP} || has(self.runtime.preset) && (self.runtime.preset in ['MLServer', 'Triton', 'KServe']"
            " || self.runtime.preset == 'Custom' && has(self.runtime.grpcPort))",
            "must have `runtime.preset` 'MLServer', 'Triton' or 'KServe', or 'Custom' with `runtime.grpcPort`, for"
            " `traffic.protocol` 'GRPC': other servers speak no gRPC",
        ),
        Rule(
            f"{_HTTP} || !has(self.scale.holdingPage)",
            "must not have `scale.holdingPage` for `traffic.protocol` 'GRPC': clients of gRPC get UNAVAILABLE, and try"
            " again",
        ),
        Rule(
            "!has(self.traffic) || !has(self.traffic.inferencePool) || self.rollout.strategy != 'Shadow'",
            "must not have `traffic.inferencePool` with the strategy 'Shadow': an endpoint picker chooses a pod for a"
            " request, and none for a copy of it",
        ),
        Rule(
            "!has(self.traffic) || !has(self.traffic.routeRef) || !(self.rollout.strategy in ['Shadow', 'ABTest'])",
            "must have `traffic.parentRefs` for the strategies 'Shadow' and 'ABTest': of a rule of yours only the"
            " backends are changed, not filters and matches",
        ),
        Rule(
            f"{_HTTP} || !has(self.rollout.abTest) || has(self.rollout.abTest.header)",
            "must have `rollout.abTest.header` for `traffic.protocol` 'GRPC': clients of gRPC send metadata, and keep"
            " no cookies",
        ),
        Rule(
            "!self.analysis.metrics.exists(metric, has(metric.paired))"
            " || (self.rollout.strategy == 'Shadow' && self.runtime.preset == 'MLflow')",
            "must have metrics with `paired` only with `rollout.strategy` 'Shadow' and `runtime.preset` 'MLflow': the"
            " same request is answered twice where a Gateway copies it, and our server remembers answers",
        ),
        Rule(
            "!has(self.scale.autoscaling) || !has(self.scale.autoscaling.metrics)"
            " || !self.scale.autoscaling.metrics.exists(m, has(m.cpu) && has(m.cpu.utilization))"
            " || (has(self.runtime.resources)"
            " && ((has(self.runtime.resources.requests) && 'cpu' in self.runtime.resources.requests)"
            " || (has(self.runtime.resources.limits) && 'cpu' in self.runtime.resources.limits)))",
            "must have `runtime.resources.requests.cpu` beside `scale.autoscaling` by `utilization`, which is a part"
            " of it",
        ),
    )

    model: ModelSource
    """Where the model comes from."""
    runtime: Runtime = Runtime()
    """How the model is served."""
    scale: Scale = Scale()
    """How many pods serve the model."""
    traffic: Traffic | None = None
    """Routing by Gateway API. Omitted: traffic is split by the ratio of replicas behind one Service."""
    rollout: Rollout = Rollout()
    """How a candidate gets its traffic."""
    analysis: Analysis = Analysis()
    """How a candidate is judged."""
    notify: Notify | None = None
    """Who is told, beside Event, metric and condition."""
