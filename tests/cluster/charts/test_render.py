"""The chart as the real Helm renders it, without a cluster."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any

import pytest
from rollmodel.settings import Settings

from charts import manifests
from charts.__main__ import CHART, REPOSITORY
from tests.cluster.charts.conftest import Helm, Object
from tests.cluster.charts.matrix import DIGEST, EVERYTHING, MATRIX
from tests.support.yaml_text import all_from_yaml, from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built

HELMS_OWN = {"app.kubernetes.io/managed-by", "helm.sh/chart", "helm.sh/resource-policy"}


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def container(objects: list[Object]) -> Object:
    (deployment,) = of_kind(objects, "Deployment")
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def identity(one: Object) -> tuple[str, ...]:
    metadata = one["metadata"]
    return (one["apiVersion"], one["kind"], metadata.get("namespace", ""), metadata["name"])


def plain(one: Object) -> Object:
    """An object without what only a release has; a CRD has no other labels, in `crds/`."""
    one = copy.deepcopy(one)
    metadata = one["metadata"]
    for part in ("labels", "annotations"):
        kept = {key: value for key, value in metadata.pop(part, {}).items() if key not in HELMS_OWN}
        if kept and one["kind"] != "CustomResourceDefinition":
            metadata[part] = kept
    return one


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
    assert all(one["metadata"]["name"].startswith("blue-rollmodel") for one in objects)
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
    }
    assert by_secret == {"ROLLMODEL_REGISTRY_TOKEN": {"name": "mlflow", "key": "token"}}
    assert settings.namespaces == ("team-a", "team-b")
    assert settings.hash_limit_bytes == 30_000_000_000
    assert str(settings.prometheus_token_file) == "/etc/rollmodel/prometheus/token"


def test_logins_come_from_secrets_only(helm: Helm) -> None:
    login = {"secretName": "mlflow", "usernameKey": "user", "passwordKey": "password"}
    variables = container(helm.render({"settings": {"registry": {"login": login}, "prometheus": {"login": login}}}))[
        "env"
    ]
    found = {one["name"]: one["valueFrom"]["secretKeyRef"]["key"] for one in variables if "valueFrom" in one}
    assert found == {
        "ROLLMODEL_REGISTRY_USERNAME": "user",
        "ROLLMODEL_REGISTRY_PASSWORD": "password",
        "ROLLMODEL_PROMETHEUS_USERNAME": "user",
        "ROLLMODEL_PROMETHEUS_PASSWORD": "password",
    }


def test_what_is_not_set_is_left_to_the_operator_and_to_a_config_map(helm: Helm) -> None:
    found = container(helm.render())
    names = [one["name"] for one in found["env"]]
    assert names == ["MALLOC_ARENA_MAX"]
    assert found["envFrom"][0] == {"configMapRef": {"name": "rollmodel", "optional": True}}


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


def groups(objects: list[Object], *kinds: str) -> set[str]:
    """The API groups in which the operator has any right."""
    roles = [
        one
        for one in of_kind(objects, *kinds)
        if not one["metadata"]["name"].endswith(("-view", "-edit", "-review", "-test"))
    ]
    return {group for role in roles for rule in role["rules"] for group in rule["apiGroups"]}


def test_a_feature_that_is_off_takes_the_rights_and_the_behaviour(helm: Helm) -> None:
    everything = groups(helm.render(), "ClusterRole")
    off = {"gatewayApi": False, "kueue": False, "connectionSecrets": False}
    without = helm.render({"features": off})
    assert everything - groups(without, "ClusterRole") == {"gateway.networking.k8s.io", "kueue.x-k8s.io"}
    variables = {one["name"]: one.get("value") for one in container(without)["env"]}
    assert [variables[f"ROLLMODEL_{name}"] for name in ("GATEWAY_API", "KUEUE", "CONNECTION_SECRETS")] == [
        *("Off", "Off", "Refuse")
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


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"replicas": 6}, "at '/replicas': maximum: got 6, want 5"),
        ({"replicas": 2, "leaderElection": {"enabled": False}}, "replicas: more than 1 needs leaderElection.enabled"),
        ({"leaderElection": {"leaseSeconds": 1}}, "at '/leaderElection/leaseSeconds': minimum: got 1, want 5"),
        ({"replica": 1}, "additional properties 'replica' not allowed"),
        ({"image": {"sha": DIGEST}}, "at '/image': additional properties 'sha' not allowed"),
        ({"image": {"digest": "sha256:abc"}}, "at '/image/digest'"),
        ({"watch": {"namespaces": "team-a"}}, "at '/watch/namespaces': got string, want array"),
        ({"watch": {"namespaces": ["Team_A"]}}, "at '/watch/namespaces/0'"),
        ({"settings": {"registry": {"url": "http://user:pass@mlflow"}}}, "at '/settings/registry/url'"),
        ({"settings": {"registry": {"password": "hunter2"}}}, "additional properties 'password' not allowed"),
        ({"settings": {"concurrency": 0}}, "at '/settings/concurrency': minimum: got 0, want 1"),
        ({"settings": {"logLevel": "LOUD"}}, "at '/settings/logLevel': value must be one of"),
        ({"podSecurityContext": {"runAsUser": 0}}, "at '/podSecurityContext/runAsUser': minimum: got 0, want 1"),
        ({"podSecurityContext": {"runAsNonRoot": False}}, "additional properties 'runAsNonRoot' not allowed"),
        (
            {"extraObjects": [{"kind": "ConfigMap"}]},
            "at '/extraObjects/0': missing properties 'apiVersion', 'metadata'",
        ),
        ({"connectionSecrets": [{"namespace": "a", "names": []}]}, "at '/connectionSecrets/0/names'"),
        (
            {"settings": {"registry": {"login": {"tokenKey": "token"}}}},
            "settings.registry.login: secretName is missing",
        ),
        (
            {"settings": {"prometheus": {"login": {"secretName": "a", "usernameKey": "user"}}}},
            "settings.prometheus.login: set tokenKey, or usernameKey and passwordKey",
        ),
        (
            {"settings": {"registry": {"login": {"secretName": "a", "tokenKey": "t", "usernameKey": "user"}}}},
            "settings.registry.login: set either tokenKey, or usernameKey and passwordKey",
        ),
        (
            {"settings": {"prometheus": {"tokenFile": "/a", "login": {"secretName": "a", "tokenKey": "t"}}}},
            "settings.prometheus: set either tokenFile or login",
        ),
        (
            {"features": {"connectionSecrets": False}, "connectionSecrets": [{"namespace": "a", "names": ["b"]}]},
            "connectionSecrets grants rights that features.connectionSecrets=false takes away",
        ),
        (
            {"prometheusRule": {"enabled": True}},
            "prometheusRule: set job, or metrics.podMonitor.enabled",
        ),
        ({"prometheusRule": {"without": ["OperatorDown"]}}, "at '/prometheusRule/without/0'"),
        (
            {"watch": {"namespaces": ["a"]}, "connectionSecrets": [{"namespace": "b", "names": ["c"]}]},
            "connectionSecrets: namespace b is not in watch.namespaces",
        ),
    ],
    ids=lambda one: str(one)[:60] if isinstance(one, dict) else "",
)
def test_a_wrong_value_is_refused_by_its_path(helm: Helm, values: Mapping[str, Any], complaint: str) -> None:
    assert complaint in helm.refusal("template", "rollmodel", str(CHART), values=values)


def test_a_chart_that_depends_on_this_one_may_hand_over_what_helm_does(helm: Helm) -> None:
    assert helm.render({"enabled": True, "global": {"imageRegistry": "x"}}) == helm.render()


def test_notes_tell_the_next_command_and_what_is_missing(helm: Helm) -> None:
    said = helm("install", "rollmodel", str(CHART), "--dry-run=client", "--namespace", "ml", values={})
    notes = said.partition("NOTES:")[2]
    for line in ("helm -n ml test rollmodel", "kubectl get modeldeployments -A", "No settings.prometheus.url is set"):
        assert line in notes
    settings = {"registry": {"url": "http://mlflow"}, "prometheus": {"url": "http://prometheus"}}
    complete = helm(
        "install", "rollmodel", str(CHART), "--dry-run=client", values={"settings": settings, "replicas": 0}
    )
    assert "is set. Unless" not in complete
    assert "It rests: replicas is 0" in complete
