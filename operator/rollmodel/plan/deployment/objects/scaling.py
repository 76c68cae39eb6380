"""The autoscaler, of Kubernetes or of KEDA, and the disruption budget of a ModelDeployment, where its spec asks for it.

The autoscaler scales the ModelDeployment, not a revision: what it writes is the number of pods that take all traffic,
and ``full_size`` is careful with it while a candidate hides load. One for each revision would see a share of the load
each, and at the take-over the sum of both would have to be given to one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.modeldeployment.scale import Autoscaling, Keda, KedaTrigger, Scale, ScaleMetric
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner, metadata
from rollmodel.plan.deployment.objects.pod.template import MODEL_CONTAINER
from rollmodel.plan.manifest import Manifest

__all__ = ["scaling_leftovers", "scaling_objects"]

_AUTOSCALER, _SCALED, _BUDGET = "HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget"


def scaling_objects(owner: Owner, scale: Scale, *, prometheus_url: str | None = None) -> Iterator[Manifest]:
    """What the spec asks for beside the number of pods. ``prometheus_url`` is where KEDA asks."""
    meta, asked = metadata(owner, naming.shared(owner.name)), scale.autoscaling
    if asked is not None and asked.metrics is not None:
        spec = _autoscaler(owner, asked, asked.metrics)
        yield {"apiVersion": "autoscaling/v2", "kind": _AUTOSCALER, "metadata": meta, "spec": spec}
    if asked is not None and asked.keda is not None:
        spec = _scaled_object(owner, asked, asked.keda, prometheus_url or "")
        yield {"apiVersion": "keda.sh/v1alpha1", "kind": _SCALED, "metadata": meta, "spec": spec}
    if scale.max_unavailable is not None:
        budget = {
            "maxUnavailable": scale.max_unavailable,
            "selector": {"matchLabels": naming.owner_selector(owner.name)},
            # A pod that is broken anyway never keeps a node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        }
        yield {"apiVersion": "policy/v1", "kind": _BUDGET, "metadata": meta, "spec": budget}


def scaling_leftovers(scale: Scale, live: LiveObjects) -> Iterator[Manifest]:
    """Live objects that the spec no longer asks for."""
    metrics, keda = (scale.autoscaling.metrics, scale.autoscaling.keda) if scale.autoscaling else (None, None)
    for kind, wanted in ((_AUTOSCALER, metrics), (_SCALED, keda), (_BUDGET, scale.max_unavailable)):
        if wanted is None and kind in live.shared:
            yield live.shared[kind]


def _target(owner: Owner) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "ModelDeployment", "name": owner.name}


def _scaled_object(owner: Owner, asked: Autoscaling, keda: Keda, prometheus_url: str) -> dict[str, Any]:
    """Source: the specification of ScaledObjects, version 2.x (keda.sh/docs)."""
    spec: dict[str, Any] = {
        "scaleTargetRef": _target(owner),
        "minReplicaCount": asked.min_replicas,
        "maxReplicaCount": asked.max_replicas,
        "triggers": [_trigger(one, keda, prometheus_url) for one in keda.triggers],
    }
    idle = 0 if keda.to_zero == "WhenIdle" else None
    times = {"idleReplicaCount": idle, "cooldownPeriod": keda.idle_seconds, "pollingInterval": keda.poll_seconds}
    spec |= {name: value for name, value in times.items() if value is not None}
    if asked.scale_down_seconds is not None:
        behavior = {"scaleDown": {"stabilizationWindowSeconds": asked.scale_down_seconds}}
        spec["advanced"] = {"horizontalPodAutoscalerConfig": {"behavior": behavior}}
    return spec


def _trigger(asked: KedaTrigger, keda: Keda, prometheus_url: str) -> dict[str, Any]:
    """KEDA has texts for all values."""
    if asked.cron is not None:
        cron = asked.cron
        words = {
            "timezone": cron.time_zone,
            "start": cron.start,
            "end": cron.end,
            "desiredReplicas": str(cron.replicas),
        }
        return {"type": "cron", "metadata": words}
    assert asked.prometheus is not None  # noqa: S101 - one of them is there
    words = {"serverAddress": prometheus_url, "query": asked.prometheus.query, "threshold": asked.prometheus.threshold}
    if asked.prometheus.activation_threshold is not None:
        words["activationThreshold"] = asked.prometheus.activation_threshold
    login = {"authenticationRef": {"name": keda.authentication_ref.name}} if keda.authentication_ref else {}
    return {"type": "prometheus", "metadata": words, **login}


def _autoscaler(owner: Owner, asked: Autoscaling, metrics: Sequence[ScaleMetric]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "scaleTargetRef": _target(owner),
        "minReplicas": asked.min_replicas,
        "maxReplicas": asked.max_replicas,
        "metrics": [_metric(metric) for metric in metrics],
    }
    if asked.scale_down_seconds is not None:
        spec["behavior"] = {"scaleDown": {"stabilizationWindowSeconds": asked.scale_down_seconds}}
    return spec


def _metric(metric: ScaleMetric) -> dict[str, Any]:
    if metric.cpu is not None:
        # Of the container alone: sidecars have no part in it, and need no requests for its sake.
        target = _average(metric.cpu.average_value)
        if metric.cpu.utilization is not None:
            target = {"type": "Utilization", "averageUtilization": metric.cpu.utilization}
        return {
            "type": "ContainerResource",
            "containerResource": {"name": "cpu", "container": MODEL_CONTAINER, "target": target},
        }
    if metric.pods is not None:
        pods = {"metric": {"name": metric.pods.name}, "target": _average(metric.pods.average_value)}
        return {"type": "Pods", "pods": pods}
    assert metric.external is not None  # noqa: S101 - one of them is there
    named: dict[str, Any] = {"name": metric.external.name}
    if metric.external.match_labels:
        named["selector"] = {"matchLabels": dict(metric.external.match_labels)}
    return {"type": "External", "external": {"metric": named, "target": _average(metric.external.average_value)}}


def _average(value: str | None) -> dict[str, Any]:
    return {"type": "AverageValue", "averageValue": value}
