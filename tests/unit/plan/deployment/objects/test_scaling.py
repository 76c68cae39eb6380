"""The autoscaler and the disruption budget that a spec asks for."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.decision import DeleteObject
from rollmodel.plan.diff import matches

from tests.support.simulation.rollouts import Cluster, spec

AUTOSCALER, BUDGET = ("HorizontalPodAutoscaler", "churn"), ("PodDisruptionBudget", "churn")


def asked(**autoscaling: Any) -> dict[str, Any]:
    """``spec.scale`` with an autoscaler."""
    usual = {"maxReplicas": 9, "metrics": [{"cpu": {"averageValue": "500m"}}]}
    return {"replicas": 4, "autoscaling": {**usual, **autoscaling}}


def autoscaler(**autoscaling: Any) -> dict[str, Any]:
    """The spec of the autoscaler that is made."""
    cluster = Cluster(spec(scale=asked(**autoscaling)))
    cluster.pass_until_quiet()
    found: dict[str, Any] = cluster.children[AUTOSCALER]["spec"]
    return found


def test_it_scales_the_model_deployment_with_all_its_revisions() -> None:
    target = {"type": "AverageValue", "averageValue": "500m"}
    metric = {"name": "cpu", "container": "model", "target": target}
    assert autoscaler(minReplicas=2) == {
        "scaleTargetRef": {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "name": "churn"},
        "minReplicas": 2,
        "maxReplicas": 9,
        "metrics": [{"type": "ContainerResource", "containerResource": metric}],
    }


@pytest.mark.parametrize(
    ("metric", "made"),
    [
        (
            {"cpu": {"utilization": 60}},
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "model",
                    "target": {"type": "Utilization", "averageUtilization": 60},
                },
            },
        ),
        (
            {"pods": {"name": "in_flight", "averageValue": 8}},
            {
                "type": "Pods",
                "pods": {"metric": {"name": "in_flight"}, "target": {"type": "AverageValue", "averageValue": "8"}},
            },
        ),
        (
            {"external": {"name": "rps", "matchLabels": {"model": "churn"}, "averageValue": "100"}},
            {
                "type": "External",
                "external": {
                    "metric": {"name": "rps", "selector": {"matchLabels": {"model": "churn"}}},
                    "target": {"type": "AverageValue", "averageValue": "100"},
                },
            },
        ),
    ],
)
def test_metrics(metric: dict[str, Any], made: dict[str, Any]) -> None:
    assert autoscaler(metrics=[metric])["metrics"] == [made]


def test_how_long_fewer_must_be_enough() -> None:
    assert autoscaler(scaleDownSeconds=60)["behavior"] == {"scaleDown": {"stabilizationWindowSeconds": 60}}


def test_a_budget_for_the_pods_of_all_revisions() -> None:
    cluster = Cluster(spec(scale={"replicas": 4, "maxUnavailable": 1}))
    cluster.pass_until_quiet()
    assert AUTOSCALER not in cluster.children
    budget = cluster.children[BUDGET]
    assert budget["spec"]["maxUnavailable"] == 1
    labels = budget["spec"]["selector"]["matchLabels"]
    for deployment in (child for (kind, _), child in cluster.children.items() if kind == "Deployment"):
        assert labels.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_without_such_fields_there_are_no_such_objects_and_they_go_with_the_fields() -> None:
    cluster = Cluster(spec(scale={**asked(), "maxUnavailable": 1}))
    cluster.pass_until_quiet()
    assert {AUTOSCALER, BUDGET} <= cluster.children.keys()
    cluster.edit(scale={"replicas": 4})
    gone = {effect.ref.kind for effect in cluster.reconcile().of(DeleteObject)}
    assert gone == {AUTOSCALER[0], BUDGET[0]}
    cluster.pass_until_quiet()
    assert not {AUTOSCALER, BUDGET} & cluster.children.keys()


def test_a_quantity_in_other_words_is_no_difference() -> None:
    cluster = Cluster(spec(scale=asked(metrics=[{"cpu": {"averageValue": "0.5"}}])))
    cluster.pass_until_quiet()
    made = cluster.children[AUTOSCALER]
    target = {"type": "AverageValue", "averageValue": "500m"}
    metric = {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "model", "target": target}}
    assert matches(made, {**made, "spec": {**made["spec"], "metrics": [metric]}})
