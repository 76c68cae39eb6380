"""Is it already there? Compared as server-side apply would merge it."""

from typing import Any

import pytest
from rollmodel.plan.diff import differences, matches, quantity


def deployment(**container: Any) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "model", **container}]}}},
    }


def service(selector: dict[str, str]) -> dict[str, Any]:
    return {"kind": "Service", "spec": {"selector": selector}}


def route(**spec: Any) -> dict[str, Any]:
    return {"kind": "HTTPRoute", "spec": {"rules": [{"backendRefs": [{"name": "a", "weight": 1}]}], **spec}}


def job(image: str = "a", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    pod = {"spec": {"containers": [{"name": "train", "image": image}]}}
    return {"kind": "Job", "metadata": {"labels": labels or {}}, "spec": {"template": pod, **spec}}


SAME = [
    (deployment(), {**deployment(image="added"), "status": {"replicas": 1}}),
    (
        deployment(resources={"requests": {"cpu": "0.5", "memory": "1024Mi"}}),
        deployment(resources={"requests": {"cpu": "500m", "memory": "1Gi"}}),
    ),
    (deployment(env=[{"name": "A", "value": "1"}]), deployment(env=[{"name": "B"}, {"name": "A", "value": "1"}])),
    (deployment(command=["a", "b"]), deployment(command=["a", "b"])),
    (
        deployment(volumeMounts=[{"name": "m", "mountPath": "/a"}, {"name": "m", "mountPath": "/b"}]),
        deployment(volumeMounts=[{"name": "m", "mountPath": "/b"}, {"name": "m", "mountPath": "/a"}]),
    ),
    (service({"a": "1"}), service({"a": "1"})),
    (route(hostnames=[]), route()),
    (job("a", suspend=False), job("b", suspend=False)),
    (job(activeDeadlineSeconds=50), job(activeDeadlineSeconds=60)),
    (job(), job(suspend=True)),
]
OTHER = [
    (deployment(), None),
    (deployment(image="a"), deployment(image="b")),
    (deployment(image="a"), deployment()),
    (deployment(env=[{"name": "A", "value": "1"}]), deployment(env=[{"name": "A", "value": "2"}])),
    (deployment(env=[{"name": "A", "value": "1"}]), deployment()),
    (deployment(command=["a"]), deployment(command=["a", "b"])),
    (deployment(args=["1"]), deployment(args=["1.0"])),
    (deployment(resources={"requests": {"cpu": "0.5"}}), deployment(resources={"requests": {"cpu": "501m"}})),
    (deployment(resources={"requests": {"cpu": "1"}}), deployment(resources={"requests": {}})),
    (service({"a": "1"}), service({"a": "1", "b": "2"})),
    (job(suspend=False), job(suspend=True)),
    (job(suspend=False), None),
    (job(labels={"a": "1"}), job(labels={"a": "2"})),
    (route(hostnames=[]), route(hostnames=["a.example.com"])),
    (route(), {**route(), "spec": {"rules": [{"backendRefs": [{"name": "a", "weight": 1}], "filters": [{}]}]}}),
]


@pytest.mark.parametrize(("desired", "live"), SAME)
def test_what_is_there_is_recognised(desired: dict[str, Any], live: dict[str, Any]) -> None:
    assert matches(desired, live)


@pytest.mark.parametrize(("desired", "live"), OTHER)
def test_what_differs_is_seen(desired: dict[str, Any], live: dict[str, Any] | None) -> None:
    assert not matches(desired, live)


@pytest.mark.parametrize(
    ("one", "other"), [("500m", "0.5"), ("1Gi", "1024Mi"), ("1G", "1000M"), (2, "2"), ("1e3", "1k"), ("100n", "0.1u")]
)
def test_quantities_are_compared_by_value(one: Any, other: Any) -> None:
    assert quantity(one) == quantity(other) is not None


@pytest.mark.parametrize("text", ["", "abc", "1Zi", "m", "1 Gi", "NaN"])
def test_what_is_no_quantity_has_no_value(text: str) -> None:
    assert quantity(text) is None


@pytest.mark.parametrize(("desired", "live"), [*SAME, *((one, two) for one, two in OTHER if two is not None)])
def test_where_it_differs_is_named_if_it_does(desired: dict[str, Any], live: dict[str, Any]) -> None:
    assert bool(list(differences(desired, live))) is not matches(desired, live)


def test_differences_name_containers_and_what_is_there() -> None:
    desired = deployment(image="a", resources={"limits": {"memory": "1Gi", "cpu": "1"}})
    live = deployment(image="a", resources={"limits": {"memory": "256Mi", "cpu": "1000m"}})
    path = "spec.template.spec.containers.model.resources.limits"
    assert list(differences(desired, live)) == [(path, {"memory": "256Mi", "cpu": "1000m"})]
    assert list(differences(deployment(image="a"), deployment())) == [
        ("spec.template.spec.containers.model.image", None)
    ]
