"""How many pods serve the model: a number, or an autoscaler that writes it; and how many may be away."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, DecimalString, LocalRef
from rollmodel.api.pods import Labels, Quantity
from rollmodel.api.schema import ATOMIC, Rule, exactly_one_of

__all__ = [
    "Autoscaling",
    "CpuTarget",
    "CronTrigger",
    "ExternalTarget",
    "HoldingPage",
    "Keda",
    "KedaTrigger",
    "PodsTarget",
    "PrometheusTrigger",
    "Scale",
    "ScaleMetric",
]

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


_CronLine = Annotated[str, Field(min_length=9, max_length=100)]


class PrometheusTrigger(ApiModel):
    """A query of the Prometheus that the operator asks, too (`ROLLMODEL_KEDA_PROMETHEUS_URL`)."""

    query: Annotated[str, Field(min_length=1, max_length=4096)]
    """PromQL with one number as its answer. To wake from zero it must count what asks for the model, not its pods: pods
    that are not there count nothing."""
    threshold: DecimalString
    """How much of it one pod takes: the number is divided by it."""
    activation_threshold: DecimalString | None = None
    """Above this the model is awake. Default: 0."""


class CronTrigger(ApiModel):
    """Pods from one time to another."""

    time_zone: Annotated[str, Field(min_length=1, max_length=64)] = "Etc/UTC"
    """A name of the IANA database."""
    start: _CronLine
    """Cron line of when it begins, e.g. `0 8 * * 1-5`."""
    end: _CronLine
    """Cron line of when it ends."""
    replicas: _Pods
    """Pods in between, at least."""


class KedaTrigger(ApiModel):
    """One reason for pods. Of several, the one that asks for most decides; one that is active keeps the model awake."""

    rules = (exactly_one_of("prometheus", "cron"),)

    prometheus: PrometheusTrigger | None = None
    """A query."""
    cron: CronTrigger | None = None
    """Times of the day or week."""


class Keda(ApiModel):
    """A ScaledObject of KEDA. It takes KEDA in the cluster, and `features.keda` of the chart."""

    triggers: Annotated[list[KedaTrigger], Field(min_length=1, max_length=10), ATOMIC]
    """What is scaled by."""
    to_zero: Literal["WhenIdle", "Never"] | None = None
    """`WhenIdle`: no pods while no trigger is active; requests get 503 from the Gateway until a pod is ready.
    Default: `Never`."""
    idle_seconds: Annotated[int | None, Field(ge=0, le=604800)] = None
    """How long no trigger must have been active before the last pods go. Default: 300, that of KEDA."""
    poll_seconds: Annotated[int | None, Field(ge=1, le=3600)] = None
    """How often triggers are looked at while there are no pods. Default: 30, that of KEDA."""
    authentication_ref: LocalRef | None = None
    """A TriggerAuthentication with the login at Prometheus."""


class Autoscaling(ApiModel):
    """An autoscaler that the operator makes for this ModelDeployment: a HorizontalPodAutoscaler, or one by KEDA."""

    rules = (
        Rule("self.minReplicas <= self.maxReplicas", "must have `minReplicas` of at most `maxReplicas`"),
        exactly_one_of("metrics", "keda"),
    )

    min_replicas: _Pods = 1
    """The fewest pods; with `keda.toZero` the fewest while it is awake."""
    max_replicas: _Pods
    """The most pods. During a rollout the candidate has pods beside these."""
    metrics: Annotated[list[ScaleMetric] | None, Field(min_length=1, max_length=4), ATOMIC] = None
    """What is scaled by, with a HorizontalPodAutoscaler."""
    keda: Keda | None = None
    """What is scaled by, with KEDA: also to zero, and by the clock."""
    scale_down_seconds: Annotated[int | None, Field(ge=0, le=3600)] = None
    """How long fewer pods must have been enough before some go. Default: 300, that of Kubernetes."""


class HoldingPage(ApiModel):
    """What clients get while there are no pods: 503 with `Retry-After`, by one small pod of the operator's image.

    The last pods stay until it has their requests and `rollout.drainSeconds` longer, but at most a minute for a page
    that does not come.
    """

    retry_after_seconds: Annotated[int, Field(ge=1, le=86400)] = 30
    """When clients should try again: about what a cold start takes."""


class Scale(ApiModel):
    """How many pods serve the model."""

    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Pods that take all traffic; 0 also stops the autoscaler. An autoscaler writes this field: leave it out then."""
    autoscaling: Autoscaling | None = None
    """An autoscaler, by a HorizontalPodAutoscaler or by KEDA."""
    holding_page: HoldingPage | None = None
    """An answer with `Retry-After` while there are no pods. Default: that of the Gateway, a 503 without it."""
    max_unavailable: _Pods | None = None
    """Pods that drained nodes may take away at the same time, by a PodDisruptionBudget. Default: no such budget."""
