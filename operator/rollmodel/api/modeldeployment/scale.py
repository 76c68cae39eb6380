"""How many pods serve the model: a number, or an autoscaler that writes it; and how many may be away."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rollmodel.api.base import ApiModel
from rollmodel.api.pods import Labels, Quantity
from rollmodel.api.schema import ATOMIC, Rule, exactly_one_of

__all__ = ["Autoscaling", "CpuTarget", "ExternalTarget", "PodsTarget", "Scale", "ScaleMetric"]

_MetricName = Annotated[str, Field(min_length=1, max_length=253)]
_Pods = Annotated[int, Field(ge=1, le=1000)]


class CpuTarget(ApiModel):
    """CPU of the container `model`, as metrics-server has it."""

    rules = (exactly_one_of("utilization", "averageValue"),)

    utilization: Annotated[int | None, Field(ge=1, le=1000)] = None
    """Percent of what the container requests, on average over the pods."""
    average_value: Quantity | None = None
    """Cores of a pod, on average, such as `500m`."""


class PodsTarget(ApiModel):
    """A metric that each pod has (`custom.metrics.k8s.io`)."""

    name: _MetricName
    """Name of the metric."""
    average_value: Quantity
    """What a pod should have of it, on average."""


class ExternalTarget(ApiModel):
    """A metric of something else, such as a query of Prometheus (`external.metrics.k8s.io`)."""

    name: _MetricName
    """Name of the metric."""
    match_labels: Labels | None = None
    """Labels of its series."""
    average_value: Quantity
    """How much of it one pod takes: the total is divided by it."""


class ScaleMetric(ApiModel):
    """One reason for more pods. Of several, the one that asks for most decides."""

    rules = (exactly_one_of("cpu", "pods", "external"),)

    cpu: CpuTarget | None = None
    """CPU of the model server."""
    pods: PodsTarget | None = None
    """A metric of the pods, e.g. requests in flight."""
    external: ExternalTarget | None = None
    """A metric of something else, e.g. requests per second at the gateway."""


class Autoscaling(ApiModel):
    """A HorizontalPodAutoscaler that the operator makes for this ModelDeployment."""

    rules = (Rule("self.minReplicas <= self.maxReplicas", "must have `minReplicas` of at most `maxReplicas`"),)

    min_replicas: _Pods = 1
    """The fewest pods."""
    max_replicas: _Pods
    """The most pods. During a rollout the candidate has pods beside these."""
    metrics: Annotated[list[ScaleMetric], Field(min_length=1, max_length=4), ATOMIC]
    """What is scaled by."""
    scale_down_seconds: Annotated[int | None, Field(ge=0, le=3600)] = None
    """How long fewer pods must have been enough before some go. Default: 300, that of Kubernetes."""


class Scale(ApiModel):
    """How many pods serve the model."""

    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Pods that take all traffic; 0 also stops the autoscaler. An autoscaler writes this field: leave it out then."""
    autoscaling: Autoscaling | None = None
    """An autoscaler, by a HorizontalPodAutoscaler."""
    max_unavailable: _Pods | None = None
    """Pods that drained nodes may take away at the same time, by a PodDisruptionBudget. Default: no such budget."""
