"""The chart as the real Helm renders it, without a cluster."""

from __future__ import annotations

import os

import pytest
from rollmodel.settings import Settings

from charts import manifests
from charts.__main__ import CHART, REPOSITORY
from tests.cluster.charts.conftest import Helm
from tests.cluster.charts.rendering.matrix import DIGEST, EVERYTHING, MATRIX
from tests.cluster.charts.rendering.rendered import container, identity, of_kind, plain
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


def test_policies_do_not_find_the_pod_of_the_test(helm: Helm) -> None:
    objects = helm.render(EVERYTHING)
    (pod,) = of_kind(objects, "Pod")
    (deployment,) = of_kind(objects, "Deployment")
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert not selector.items() <= pod["metadata"]["labels"].items()
    assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    (policy,) = of_kind(objects, "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"] == selector
