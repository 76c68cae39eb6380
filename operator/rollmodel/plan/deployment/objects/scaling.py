"""The autoscaler and the disruption budget of a ModelDeployment, where its spec asks for them.

The autoscaler scales the ModelDeployment, not a revision: what it writes is the number of pods that take all traffic,
and ``full_size`` is careful with it while a candidate hides load. One for each revision would see a share of the load
each, and at the take-over the sum of both would have to be given to one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.modeldeployment.scale import Autoscaling, Scale, ScaleMetric
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner, metadata
from rollmodel.plan.deployment.objects.template import MODEL_CONTAINER
from rollmodel.plan.manifest import Manifest

__all__ = ["scaling_leftovers", "scaling_objects"]

_AUTOSCALER, _BUDGET = "HorizontalPodAutoscaler", "PodDisruptionBudget"


def scaling_objects(owner: Owner, scale: Scale) -> Iterator[Manifest]:
    """What the spec asks for beside the number of pods."""
    meta = metadata(owner, naming.shared(owner.name))
    if scale.autoscaling is not None:
        spec = _autoscaler(owner, scale.autoscaling)
        yield {"apiVersion": "autoscaling/v2", "kind": _AUTOSCALER, "metadata": meta, "spec": spec}
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
    for kind, wanted in ((_AUTOSCALER, scale.autoscaling), (_BUDGET, scale.max_unavailable)):
        if wanted is None and kind in live.shared:
            yield live.shared[kind]


def _autoscaler(owner: Owner, asked: Autoscaling) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": f"{GROUP}/{VERSION}", "kind": "ModelDeployment", "name": owner.name},
        "minReplicas": asked.min_replicas,
        "maxReplicas": asked.max_replicas,
        "metrics": [_metric(metric) for metric in asked.metrics],
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
