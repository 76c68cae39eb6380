"""Which objects the operator leaves alone: those of system namespaces, and routes for hosts of other teams."""

from __future__ import annotations

import pytest
from rollmodel.errors import Forbidden
from rollmodel.plan.access.admission import Admission

from tests.support.simulation.rollouts import spec
from tests.support.simulation.trainings import specs

HOSTS = {"team-*": ["*.{namespace}.example.com"], "prod": ["*.example.com", "example.com"], "open": ["*"]}
ADMISSION = Admission(frozenset({"kube-system", "rollmodel-system"}), HOSTS)


def asked(*hostnames: str) -> object:
    return spec(traffic={"parentRefs": [{"name": "public"}], **({"hostnames": [*hostnames]} if hostnames else {})})


@pytest.mark.parametrize(
    ("namespace", "hostnames"),
    [
        ("team-a", ["churn.team-a.example.com", "*.team-a.example.com"]),
        ("prod", ["shop.example.com", "example.com"]),
        ("open", []),
        ("open", ["anything.example.org"]),
    ],
)
def test_hosts_that_are_given(namespace: str, hostnames: list[str]) -> None:
    ADMISSION.check(namespace, asked(*hostnames))


@pytest.mark.parametrize(
    ("namespace", "hostnames", "word"),
    [
        ("team-b", ["churn.team-a.example.com"], "'churn.team-a.example.com'"),
        ("team-b", ["*.example.com"], r"'\*.example.com'"),
        ("team-b", [], "every host name of its Gateway"),
        ("elsewhere", ["example.com"], "It is given: none"),
        ("prod", ["example.org"], "It is given: "),
    ],
)
def test_hosts_of_others(namespace: str, hostnames: list[str], word: str) -> None:
    with pytest.raises(Forbidden, match=word) as refused:
        ADMISSION.check(namespace, asked(*hostnames))
    assert refused.value.reason == "HostForbidden"


def test_without_patterns_the_gateway_decides() -> None:
    Admission().check("team-b", asked("shop.example.com"))


@pytest.mark.parametrize("namespace", ["kube-system", "rollmodel-system"])
def test_a_namespace_that_is_left_alone(namespace: str) -> None:
    with pytest.raises(Forbidden, match="makes nothing in namespace") as refused:
        ADMISSION.check(namespace, spec(traffic=None))
    assert refused.value.reason == "NamespaceForbidden"


BOUND = Admission(tolerations=["nvidia.com/*", "dedicated"], priorities=["batch-*"])
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}


def training(**template: object) -> object:
    return specs.spec(template={"image": "churn:1", **template})


@pytest.mark.parametrize(
    "asked",
    [
        training(tolerations=[CONTROL_PLANE]),
        spec(runtime={"podTemplate": {"spec": {"tolerations": [{"operator": "Exists"}]}}}),
        training(priorityClassName="system-cluster-critical"),
        spec(runtime={"tolerations": [CONTROL_PLANE]}),
        spec(runtime={"priorityClassName": "critical"}),
        spec(runtime={"podTemplate": {"spec": {"tolerations": [CONTROL_PLANE]}}}),
        spec(runtime={"podTemplate": {"spec": {"priorityClassName": "critical"}}}),
    ],
)
def test_nodes_and_priorities_of_others(asked: object) -> None:
    Admission().check("team-a", asked)
    with pytest.raises(Forbidden, match=r"may not name .*: allowed are .*ROLLMODEL_") as refused:
        BOUND.check("team-a", asked)
    assert refused.value.reason == "SchedulingForbidden"


@pytest.mark.parametrize(
    "asked",
    [
        training(tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}], priorityClassName="batch-low"),
        spec(runtime={"tolerations": [{"key": "dedicated", "operator": "Exists"}]}),
        training(),
    ],
)
def test_nodes_and_priorities_that_are_given(asked: object) -> None:
    BOUND.check("team-a", asked)
