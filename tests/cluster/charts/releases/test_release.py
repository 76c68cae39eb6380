"""A release on a cluster, with the operator as a pod on the local node: its life from install to the very end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from charts.__main__ import CHART, REPOSITORY
from localcluster import Cluster
from tests.cluster.charts.conftest import HERE, Helm, Object
from tests.cluster.conftest import WaitUntil

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built

NAMESPACE = "rollmodel-system"
NAMED = ("rollmodel", str(CHART), "--namespace", NAMESPACE)
PATIENCE = ("--wait", "--timeout", "120s")
KINDS = ("driftpolicies", "modeldeployments", "trainingjobs")
CHILDREN = "rollmodel.dev/model-deployment=churn"
WITHOUT_PODS = {
    "apiVersion": "rollmodel.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "churn"},
    "spec": {"model": {"uri": "https://models.invalid/none", "digest": f"sha256:{'0' * 64}"}, "scale": {"replicas": 0}},
}


class Release:
    """The release in its namespace."""

    def __init__(self, cluster: Cluster, helm: Helm) -> None:
        self.cluster, self.helm = cluster, helm.as_user(cluster.kubeconfig)

    def install(self, *options: str, values: Object | None = None, chart: Path = CHART) -> None:
        """Install, and wait until the operator is ready."""
        named = ("rollmodel", str(chart), "--namespace", NAMESPACE)
        self.helm("install", *named, "--create-namespace", *PATIENCE, *options, values={**HERE, **(values or {})})

    def upgrade(self, *options: str, values: Object | None = None) -> None:
        """Upgrade with these values only, unless ``options`` keep others, and wait likewise."""
        kept = () if any("reuse" in option for option in options) else ("--reset-values",)
        self.helm("upgrade", *NAMED, *kept, *PATIENCE, *options, values={**HERE, **(values or {})})

    def do(self, verb: str, *options: str) -> str:
        """Any other command about it."""
        return self.helm(verb, "rollmodel", *options, "--namespace", NAMESPACE)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """kubectl in the namespace."""
        return self.cluster.kubectl("-n", NAMESPACE, *arguments, stdin=stdin)

    def get(self, *what: str) -> Object:
        """One object, or a list of them."""
        found: Object = json.loads(self.kubectl("get", *what, "-o", "json"))
        return found

    def names(self, kind: str) -> set[str]:
        """The objects of a kind, of whatever namespace."""
        found = self.cluster.kubectl("get", kind, "-A", "-o", "jsonpath={.items[*].metadata.name}")
        return set(found.split())

    def variables(self) -> dict[str, Any]:
        """What the operator is told."""
        (container,) = self.get("deployment", "rollmodel")["spec"]["template"]["spec"]["containers"]
        return {one["name"]: one.get("value") for one in container["env"]}

    def object(self, wait_until: WaitUntil) -> Object:
        """A ModelDeployment without pods that the operator has given a child."""
        self.kubectl("create", "-f", "-", stdin=json.dumps(WITHOUT_PODS))
        wait_until(lambda: bool(self.get("deployments", "-l", CHILDREN)["items"]))
        return self.get("mdep", "churn")

    def child(self) -> tuple[str, int]:
        """Name, and how often what the pods of the model are made from has changed."""
        (metadata,) = (one["metadata"] for one in self.get("deployments", "-l", CHILDREN)["items"])
        return metadata["name"], metadata["generation"]

    def clear(self) -> None:
        """Leave nothing, whatever happened."""
        if "rollmodel" in self.helm("list", "--short", "--namespace", NAMESPACE):
            for kind in set(KINDS) & {name.partition(".")[0] for name in self.names("crd")}:
                self.cluster.kubectl("delete", kind, "--all", "--all-namespaces", "--timeout=60s")
            self.do("uninstall", "--wait", "--timeout", "60s")
        self.cluster.kubectl("delete", "crd", "-l", "app.kubernetes.io/name=rollmodel", "--timeout=60s")
        self.cluster.kubectl("delete", "-f", str(REPOSITORY / "crds"), "--ignore-not-found", "--timeout=60s")


@pytest.fixture
def release(bare: Cluster, helm: Helm) -> Iterator[Release]:
    made = Release(bare, helm)
    yield made
    made.clear()


def crd_names() -> set[str]:
    return {f"{kind}.rollmodel.dev" for kind in KINDS}


def test_a_release_lives_through_upgrade_rollback_uninstall_and_comes_back(
    release: Release, wait_until: WaitUntil
) -> None:
    release.install()
    before = release.object(wait_until)
    child = release.child()
    release.upgrade(values={"settings": {"concurrency": 4}, "commonLabels": {"team": "ml"}})
    assert release.variables()["ROLLMODEL_CONCURRENCY"] == "4"
    assert release.get("crd", "modeldeployments.rollmodel.dev")["metadata"]["labels"]["team"] == "ml"
    release.do("rollback", "1", *PATIENCE)
    assert "ROLLMODEL_CONCURRENCY" not in release.variables()

    release.do("uninstall", "--wait", "--timeout", "60s")
    assert crd_names() <= release.names("crd")
    assert not release.names("clusterrole,clusterrolebinding") & {"rollmodel", "rollmodel-view", "rollmodel-edit"}
    left = release.get("mdep", "churn")["metadata"]
    assert (left["uid"], left["generation"]) == (before["metadata"]["uid"], before["metadata"]["generation"])
    assert release.child() == child

    release.install()
    release.kubectl("delete", "mdep", "churn", "--timeout=60s")  # which only an operator that works lets go
    assert release.do("test", "--timeout", "120s").count("Phase:          Succeeded") == 4
    assert release.get("pods", "-l", "app.kubernetes.io/name=rollmodel-test")["items"] == []


def test_it_goes_as_a_whole_where_it_shall(release: Release) -> None:
    release.install(values={"crds": {"keep": False}})
    release.do("uninstall", "--wait", "--timeout", "60s")
    assert not crd_names() & release.names("crd")


def test_what_kubectl_installed_is_taken_over(release: Release, wait_until: WaitUntil) -> None:
    release.cluster.kubectl("apply", "--server-side", "-k", str(REPOSITORY))
    refused = release.helm.refusal("install", *NAMED, values=HERE)
    assert "exists and cannot be imported into the current release" in refused
    uid = release.get("deployment", "rollmodel")["metadata"]["uid"]
    release.install("--take-ownership", "--force-conflicts")
    assert release.get("deployment", "rollmodel")["metadata"]["uid"] == uid


def test_the_second_release_of_a_cluster_is_told_who_has_the_definitions(release: Release) -> None:
    release.install(values={"watch": {"namespaces": [NAMESPACE]}})
    second = ("second", str(CHART), "--namespace", "second", "--create-namespace")
    refused = release.helm.refusal("install", *second)
    assert 'must equal "second"' in refused
    assert 'CustomResourceDefinition "' in refused
    values = {"crds": {"enabled": False}, "replicas": 0, "watch": {"namespaces": ["second"]}}
    release.helm("install", *second, values=values)
    release.helm("uninstall", "second", "--namespace", "second")
    assert crd_names() <= release.names("crd")
