"""The chart as the real Helm renders it, without a cluster."""

from __future__ import annotations

import os
from typing import Any

import pytest
from rollmodel.settings import Settings

from charts import manifests
from charts.__main__ import CHART, REPOSITORY
from tests.cluster.charts.conftest import Helm
from tests.cluster.charts.rendering.matrix import DIGEST, EVERYTHING, MATRIX
from tests.cluster.charts.rendering.rendered import container, groups, identity, of_kind, plain
from tests.support.yaml_text import all_from_yaml, from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built


@pytest.mark.parametrize("name", ["defaults", "everything", "namespaces", "no rights"])
def test_it_passes_the_strict_linter(helm: Helm, name: str) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), values=MATRIX[name])


def test_what_is_made_from_the_chart_is_current(helm: Helm) -> None:
    for path, text in manifests.render(CHART, helm.binary).items():
        assert path.read_text() == text, f"{path}: run `make manifests`"


def test_kustomize_and_helm_install_the_same_objects(helm: Helm) -> None:
    files = from_yaml((REPOSITORY / "kustomization.yaml").read_text())["resources"]
    theirs = [one for file in files for one in all_from_yaml((REPOSITORY / file).read_text())]
    ours = [one for one in helm.render() if "helm.sh/hook" not in one["metadata"].get("annotations", {})]
    (namespace,) = of_kind(theirs, "Namespace")
    assert namespace["metadata"]["name"] == manifests.NAMESPACE
    theirs.remove(namespace)
    assert sorted(map(identity, ours)) == sorted(map(identity, theirs))
    assert sorted(map(plain, ours), key=identity) == sorted(map(plain, theirs), key=identity)


def test_a_release_of_another_name_has_that_name_everywhere(helm: Helm) -> None:
    objects = [one for one in helm.render(name="blue") if one["kind"] != "CustomResourceDefinition"]
    others = {one["metadata"]["name"] for one in objects if not one["metadata"]["name"].startswith("blue-rollmodel")}
    assert others == {"rollmodel-works-in-all-namespaces"}  # the same in every release, so that there is one
    long = helm.render({"fullnameOverride": "x" * 63, **EVERYTHING})
    # Names of these are no labels, and may have 253 characters.
    free = ("CustomResourceDefinition", "ClusterRole", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    assert max(len(one["metadata"]["name"]) for one in long if one["kind"] not in free) <= 63


def test_every_setting_reaches_the_operator(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ROLLMODEL_")]:
        monkeypatch.delenv(name)
    by_secret = {}
    for variable in container(helm.render(EVERYTHING))["env"]:
        if "value" in variable:
            monkeypatch.setenv(variable["name"], variable["value"])
        else:
            by_secret[variable["name"]] = variable["valueFrom"]["secretKeyRef"]
    settings = Settings()
    unset = {name for name in Settings.model_fields if getattr(settings, name) == Settings.model_fields[name].default}
    assert unset == {
        *("registry_username", "registry_password", "registry_token"),
        *("prometheus_username", "prometheus_password", "prometheus_token"),
        # Files that have to be there.
        *("registry_ca_file", "prometheus_ca_file"),
        *("prometheus_client_certificate_file", "prometheus_client_key_file"),
        "lease_name",  # is the name of the release, which is the default
        "coordination_namespace",  # is that of the pod
        "shard",  # does not go with named namespaces
    }
    assert by_secret == {"ROLLMODEL_REGISTRY_TOKEN": {"name": "mlflow", "key": "token"}}
    assert settings.namespaces == ("team-a", "team-b")
    assert settings.hash_limit_bytes == 30_000_000_000
    assert str(settings.prometheus_token_file) == "/etc/rollmodel/prometheus/token"


def test_images_are_taken_by_digest_and_from_a_mirror(helm: Helm) -> None:
    image = {"repository": "rollmodel/operator", "tag": "9", "digest": DIGEST}
    found = container(helm.render({"image": image, "imageRegistry": "mirror.example.com:5000/x"}))
    operator = f"mirror.example.com:5000/x/rollmodel/operator@{DIGEST}"
    assert found["image"] == operator
    assert {one["name"]: one["value"] for one in found["env"]} == {
        "ROLLMODEL_OPERATOR_IMAGE": operator,
        "ROLLMODEL_SERVER_IMAGE": "mirror.example.com:5000/x/rollmodel/server:0.1.0",
        "MALLOC_ARENA_MAX": "2",
    }


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


def test_the_user_may_be_left_to_the_cluster_and_nothing_else(helm: Helm) -> None:
    objects = helm.render({"podSecurityContext": {"runAsUser": None, "runAsGroup": None}})
    pods = [one["spec"]["template"]["spec"] for one in of_kind(objects, "Deployment")]
    pods += [one["spec"] for one in of_kind(objects, "Pod")]
    assert len(pods) == 2
    for pod in pods:
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        (only,) = pod["containers"]
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_pods_of_models_are_found_by_the_labels_that_they_carry(helm: Helm) -> None:
    golden = from_yaml((REPOSITORY / "tests/unit/plan/deployment/objects/golden/pod-triton.yaml").read_text())
    objects = helm.render({"metrics": {"models": {"podMonitor": {"enabled": True}}}})
    (monitor,) = of_kind(objects, "PodMonitor")
    wanted = {one["key"] for one in monitor["spec"]["selector"]["matchExpressions"]}
    assert wanted == set(monitor["spec"]["podTargetLabels"])
    assert wanted <= set(golden["metadata"]["labels"])
    ports = {one["name"] for one in golden["spec"]["containers"][0]["ports"]}
    assert ports <= {one["port"] for one in monitor["spec"]["podMetricsEndpoints"]}


def test_the_operators_metrics_keep_their_namespace(helm: Helm) -> None:
    """Their label `namespace` is the object's; without `honorLabels` it would be renamed for that of the pod."""
    objects = helm.render(EVERYTHING)
    (operators,) = [one for one in of_kind(objects, "PodMonitor") if one["metadata"]["name"] == "rollmodel"]
    (services,) = of_kind(objects, "ServiceMonitor")
    assert all(one["honorLabels"] for one in operators["spec"]["podMetricsEndpoints"] + services["spec"]["endpoints"])


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


def test_scrapes_that_are_reviewed_bring_a_token(helm: Helm) -> None:
    """The Prometheus operator knows ``authorization`` in both kinds; a file of its own only in ServiceMonitors."""
    secret = {"credentials": {"name": "scraper", "key": "token"}}
    reviewed = {"settings": {"metricsAccess": "Reviewed"}}

    def endpoints(kind: str, **values: Any) -> list[Any]:
        monitor = {kind[0].lower() + kind[1:]: {"enabled": True, **values}}
        (found,) = of_kind(helm.render({**reviewed, "metrics": monitor}), kind)
        return list(found["spec"].get("endpoints") or found["spec"]["podMetricsEndpoints"])

    (pods,) = endpoints("PodMonitor", tokenSecret={"name": "scraper"})
    (services,) = endpoints("ServiceMonitor", tokenSecret={"name": "scraper"})
    assert (pods["authorization"], services["authorization"]) == (secret, secret)
    assert "bearerTokenFile" not in {*pods, *services}
    (own,) = endpoints("ServiceMonitor")
    assert own["bearerTokenFile"] == "/var/run/secrets/kubernetes.io/serviceaccount/token"
    assert "authorization" not in own


def test_alerts_know_the_job_and_may_be_left_out(helm: Helm) -> None:
    scraped = {"metrics": {"podMonitor": {"enabled": True}}}
    (rule,) = of_kind(helm.render({**scraped, "prometheusRule": {"enabled": True}}, name="mine"), "PrometheusRule")
    everything = {one["alert"]: one for group in rule["spec"]["groups"] for one in group["rules"]}
    assert (
        'job=~"rollmodel-system/mine-rollmodel|mine-rollmodel-metrics"' in everything["RollmodelOperatorDown"]["expr"]
    )
    (of_models,) = [group for group in rule["spec"]["groups"] if group["name"] == "rollmodel-models"]
    without = ["RollmodelLoopStuck", *(one["alert"] for one in of_models["rules"])]
    values = {"enabled": True, "job": "pods", "without": without, "runbookUrl": "https://a/b/"}
    (fewer,) = of_kind(helm.render({"prometheusRule": values}), "PrometheusRule")
    names = [group["name"] for group in rule["spec"]["groups"] if group is not of_models]
    assert [group["name"] for group in fewer["spec"]["groups"]] == names  # none without rules
    left = {one["alert"]: one for group in fewer["spec"]["groups"] for one in group["rules"]}
    assert set(left) == set(everything) - set(without)
    assert all(one["annotations"]["runbook_url"] == f"https://a/b/{name}.md" for name, one in left.items())


def test_dashboards_are_what_the_files_say(helm: Helm) -> None:
    pages = of_kind(helm.render({"dashboards": {"enabled": True}}), "ConfigMap")
    files = {f"rollmodel-{path.name}": path.read_text() for path in (CHART / "files" / "dashboards").iterdir()}
    assert {name: text for page in pages for name, text in page["data"].items()} == {
        name: text.rstrip("\n") for name, text in files.items()
    }
    assert all(page["metadata"]["labels"]["grafana_dashboard"] == "1" for page in pages)


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


def test_policies_do_not_find_the_pod_of_the_test(helm: Helm) -> None:
    objects = helm.render(EVERYTHING)
    (pod,) = of_kind(objects, "Pod")
    (deployment,) = of_kind(objects, "Deployment")
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert not selector.items() <= pod["metadata"]["labels"].items()
    assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    (policy,) = of_kind(objects, "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"] == selector
