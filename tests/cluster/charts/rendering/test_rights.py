"""Which rights the chart grants, by what is switched on, and what admission policies leave alone."""

from __future__ import annotations

from typing import Any

import pytest

from charts import manifests
from tests.cluster.charts.conftest import Helm
from tests.cluster.charts.rendering.rendered import container, groups, identity, of_kind

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built


def test_a_feature_that_is_off_takes_the_rights_and_the_behaviour(helm: Helm) -> None:
    everything = groups(helm.render(), "ClusterRole")
    off = {"gatewayApi": False, "kueue": False, "connectionSecrets": False, "coordination": False}
    without = helm.render({"features": off})
    assert "rollmodel-coordination" in str(helm.render())
    assert "rollmodel-coordination" not in str(without)
    assert everything - groups(without, "ClusterRole") == {"gateway.networking.k8s.io", "kueue.x-k8s.io"}
    variables = {one["name"]: one.get("value") for one in container(without)["env"]}
    assert [
        variables[f"ROLLMODEL_{name}"] for name in ("GATEWAY_API", "KUEUE", "CONNECTION_SECRETS", "COORDINATION")
    ] == [*("Off", "Off", "Refuse", "Off")]


def test_keda_is_asked_for(helm: Helm) -> None:
    """It is an add-on: the rights on its objects come with the switch, and so does the operator's use of them."""
    on = helm.render({"features": {"keda": True}})
    assert groups(on, "ClusterRole") - groups(helm.render(), "ClusterRole") == {"keda.sh"}
    assert {"name": "ROLLMODEL_KEDA", "value": "On"} in container(on)["env"]


def test_the_cluster_s_rules_are_readable_beside_named_namespaces(helm: Helm) -> None:
    objects = helm.render({"watch": {"namespaces": ["team-a"]}, "crds": {"enabled": False}})
    (role,) = [one for one in of_kind(objects, "Role") if one["metadata"]["name"] == "rollmodel-coordination"]
    assert role["metadata"]["namespace"] not in {"team-a", None}
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["rollmodel-coordination"],
            "verbs": ["list", "watch"],
        }
    ]


def test_named_namespaces_leave_nothing_cluster_wide(helm: Helm) -> None:
    values = {"watch": {"namespaces": ["team-a", "team-b"]}, "crds": {"enabled": False}}
    objects = helm.render({**values, "rbac": {"userRoles": {"create": False}}})
    assert not [one for one in objects if "namespace" not in one["metadata"]]
    roles = [one for one in of_kind(objects, "Role", "RoleBinding") if one["metadata"]["name"] == "rollmodel"]
    assert [one["metadata"]["namespace"] for one in roles] == ["team-a", "team-b"] * 2
    assert groups(objects, "Role") == groups(helm.render(), "ClusterRole")


def test_two_of_them_elect_a_leader(helm: Helm) -> None:
    alone, two = helm.render(), helm.render({"replicas": 2})
    new = {identity(one) for one in two} - {identity(one) for one in alone}
    assert {(kind, namespace, name) for _, kind, namespace, name in new} == {
        ("Role", manifests.NAMESPACE, "rollmodel-leader"),
        ("RoleBinding", manifests.NAMESPACE, "rollmodel-leader"),
    }
    (role,) = [one for one in of_kind(two, "Role") if one["metadata"]["name"] == "rollmodel-leader"]
    named = [rule for rule in role["rules"] if rule["resources"] == ["leases"] and rule["verbs"] != ["create"]]
    assert [rule["resourceNames"] for rule in named] == [["rollmodel"]]
    variables = {one["name"]: one.get("value") for one in container(two)["env"]}
    assert variables["ROLLMODEL_LEADER_ELECTION"] == "On"
    assert variables["ROLLMODEL_LEASE_NAMESPACE"] == manifests.NAMESPACE
    (deployment,) = of_kind(two, "Deployment")
    assert deployment["spec"]["strategy"]["type"] == "RollingUpdate"
    (deployment,) = of_kind(alone, "Deployment")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_secrets_are_granted_one_by_one(helm: Helm) -> None:
    assert not [one for one in of_kind(helm.render(), "Role", "ClusterRole") if "secrets" in str(one["rules"])]
    granted = helm.render({"connectionSecrets": [{"namespace": "team-a", "names": ["mlflow", "s3"]}]})
    (role,) = [one for one in of_kind(granted, "Role") if one["metadata"]["name"] == "rollmodel-connections"]
    assert role["metadata"]["namespace"] == "team-a"
    (rule,) = role["rules"]
    assert rule == {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mlflow", "s3"], "verbs": ["get"]}


def test_a_shard_has_a_lease_and_may_see_namespaces_and_the_leases_of_others(helm: Helm) -> None:
    objects = helm.render({"watch": {"shard": "a"}, "crds": {"enabled": False}}, name="rollmodel-a")
    (deployment,) = of_kind(objects, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert (told["ROLLMODEL_SHARD"], told["ROLLMODEL_LEADER_ELECTION"]) == ("a", "On")
    assert told["ROLLMODEL_LEASE_NAME"] == "rollmodel-a"
    rules = [rule for role in of_kind(objects, "ClusterRole", "Role") for rule in role["rules"]]
    assert {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]} in rules
    assert {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]} in rules
    plain = [rule for role in of_kind(helm.render({"replicas": 2}), "ClusterRole", "Role") for rule in role["rules"]]
    assert not [rule for rule in plain if rule["resources"] == ["namespaces"]]


@pytest.mark.parametrize(
    ("watch", "name"),
    [({}, "all-namespaces"), ({"shard": "default"}, "shard-default"), ({"namespaces": ["team-a"]}, None)],
)
def test_releases_that_work_in_the_same_namespaces_share_a_name(helm: Helm, watch: Any, name: str | None) -> None:
    roles = of_kind(helm.render({"watch": watch}, name="blue"), "ClusterRole")
    shared = [role for role in roles if role["metadata"]["name"].startswith("rollmodel-works-in-")]
    assert [role["metadata"]["name"] for role in shared] == ([f"rollmodel-works-in-{name}"] if name else [])
    assert all(role["rules"] == [] for role in shared)


def test_the_policies_of_one_shard_let_the_operators_of_all_pass(helm: Helm) -> None:
    objects = helm.render({"watch": {"shard": "default"}, "admissionPolicies": {"enabled": True}})
    conditions = [str(one["spec"]["matchConditions"]) for one in of_kind(objects, "ValidatingAdmissionPolicy")]
    excepted = '!request.userInfo.username.startsWith("system:serviceaccount:rollmodel-system:")'
    assert sum(excepted in one for one in conditions) == 3


def test_admission_policies_are_off_unless_asked_for_and_leave_the_operator_alone(helm: Helm) -> None:
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    assert of_kind(helm.render(), *kinds) == []
    objects = helm.render({"admissionPolicies": {"enabled": True}, "watch": {"namespaces": ["team-a"]}})
    policies, bindings = (of_kind(objects, kind) for kind in kinds)
    assert {one["spec"]["policyName"] for one in bindings} == {one["metadata"]["name"] for one in policies}
    assert len(policies) == 4
    for one in bindings:
        (where,) = one["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert where["values"] == ["team-a"]
    account = "system:serviceaccount:rollmodel-system:rollmodel"
    assert sum(account in str(one["spec"]["matchConditions"]) for one in policies) == 3
