"""The autoscaler and the disruption budget that a spec asks for."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.api.modeldeployment.scale import Scale
from rollmodel.plan.decision import DeleteObject
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.scaling import scaling_objects
from rollmodel.plan.diff import matches

from tests.support.simulation.rollouts import Cluster, spec

AUTOSCALER, BUDGET = ("HorizontalPodAutoscaler", "churn"), ("PodDisruptionBudget", "churn")
SCALED = ("ScaledObject", "churn")
QUERY = {"prometheus": {"query": "sum(rate(requests_total[1m]))", "threshold": "50", "activationThreshold": "0.5"}}
OFFICE = {"cron": {"timeZone": "Europe/Berlin", "start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "replicas": 3}}


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


def keda(*triggers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """``spec.scale`` with KEDA."""
    return {"replicas": 4, "autoscaling": {"maxReplicas": 9, "keda": {"triggers": list(triggers), **fields}}}


def scaled(scale: dict[str, Any]) -> dict[str, Any]:
    """The spec of the ScaledObject that is made."""
    cluster = Cluster(spec(scale=scale))
    cluster.pass_until_quiet()
    assert AUTOSCALER not in cluster.children  # KEDA makes its own
    made: dict[str, Any] = cluster.children[SCALED]
    assert made["apiVersion"] == "keda.sh/v1alpha1"
    return dict(made["spec"])


def test_keda_scales_the_model_deployment_by_a_query_and_by_the_clock() -> None:
    query = {"serverAddress": "", "query": "sum(rate(requests_total[1m]))", "threshold": "50"}
    assert scaled(keda(QUERY, OFFICE)) == {
        "scaleTargetRef": {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "name": "churn"},
        "minReplicaCount": 1,
        "maxReplicaCount": 9,
        "triggers": [
            {"type": "prometheus", "metadata": {**query, "activationThreshold": "0.5"}},
            {
                "type": "cron",
                "metadata": {
                    "timezone": "Europe/Berlin",
                    "start": "0 8 * * 1-5",
                    "end": "0 18 * * 1-5",
                    "desiredReplicas": "3",
                },
            },
        ],
    }


def test_to_zero_is_what_one_asks_for() -> None:
    """KEDA itself goes to zero where nobody says how few pods there may be."""
    asked = keda(OFFICE, toZero="WhenIdle", idleSeconds=600, pollSeconds=10)
    asked["autoscaling"] |= {"minReplicas": 2, "scaleDownSeconds": 60}
    made = scaled(asked)
    assert (made["idleReplicaCount"], made["minReplicaCount"]) == (0, 2)  # idle must be less than the least
    assert (made["cooldownPeriod"], made["pollingInterval"]) == (600, 10)
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 60}}
    assert made["advanced"] == {"horizontalPodAutoscalerConfig": {"behavior": behavior}}
    assert "idleReplicaCount" not in scaled(keda(OFFICE))
    assert scaled(keda(OFFICE))["minReplicaCount"] == 1


def test_keda_asks_the_prometheus_of_the_operator_with_a_login_of_the_namespace() -> None:
    owner = Owner("team", "churn", "uid")
    scale = Scale.model_validate(keda(QUERY, OFFICE, authenticationRef={"name": "prometheus"}))
    (made,) = scaling_objects(owner, scale, prometheus_url="http://prometheus:9090")
    query, clock = made["spec"]["triggers"]
    assert query["metadata"]["serverAddress"] == "http://prometheus:9090"
    assert query["authenticationRef"] == {"name": "prometheus"}
    assert "authenticationRef" not in clock
    assert all(isinstance(value, str) for one in (query, clock) for value in one["metadata"].values())


def test_from_one_autoscaler_to_the_other() -> None:
    cluster = Cluster(spec(scale=asked()))
    cluster.pass_until_quiet()
    cluster.edit(scale=keda(OFFICE))
    cluster.pass_until_quiet()
    assert SCALED in cluster.children
    assert AUTOSCALER not in cluster.children
    cluster.edit(scale={"replicas": 4})
    cluster.pass_until_quiet()
    assert SCALED not in cluster.children


def test_what_keda_writes_is_the_size_as_from_any_autoscaler() -> None:
    """To zero and back: all pods go, no rollout is judged meanwhile, and the way back is that of any number."""
    cluster = Cluster(spec(scale=keda(QUERY, toZero="WhenIdle")), rate=50)
    cluster.run(120)
    assert cluster.condition("Ready")["reason"] == "Serving"
    cluster.edit(scale={**keda(QUERY, toZero="WhenIdle"), "replicas": 0})
    cluster.run(60)
    assert cluster.condition("Ready")["reason"] == "ScaledToZero"
    assert not cluster.pods
    cluster.edit(scale={**keda(QUERY, toZero="WhenIdle"), "replicas": 2})
    assert cluster.run(120, lambda: cluster.condition("Ready")["reason"] == "Serving")
