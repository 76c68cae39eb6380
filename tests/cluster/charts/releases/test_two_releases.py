"""Two releases of the chart in one cluster, as docs/guides/shards.md installs them, and those that Helm refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from rollmodel.plan.operators.sharding import LABEL

from charts.__main__ import CHART, REPOSITORY
from localcluster import Cluster
from tests.cluster.charts.conftest import HERE, Helm, Object
from tests.cluster.charts.releases.test_release import CHILDREN, NAMESPACE, PATIENCE, WITHOUT_PODS, Release, crd_names
from tests.cluster.conftest import WaitUntil
from tests.support.yaml_text import from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built

GUIDE = (REPOSITORY / "docs" / "guides" / "shards.md").read_text()
FIRST, SECOND = map(from_yaml, re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL))
#: Of the first shard, which namespaces without a label belong to, and of the second one.
OURS, THEIRS = "team-of-default", "team-of-a"
POLICIES = {"admissionPolicies": {"enabled": True}}


@pytest.fixture
def release(bare: Cluster, helm: Helm) -> Iterator[Release]:
    bare.kubectl("create", "namespace", OURS)
    bare.kubectl("create", "namespace", THEIRS)
    made = Release(bare, helm)
    yield made
    for second, namespace in (("rollmodel-a", NAMESPACE), ("second", "second")):
        made.helm("uninstall", second, "--namespace", namespace, "--ignore-not-found")
    bare.kubectl("label", "namespace", THEIRS, f"{LABEL}-")
    made.clear()
    bare.kubectl("delete", "namespace", OURS, THEIRS, "--timeout=60s")


def create(cluster: Cluster, namespace: str, manifest: Object = WITHOUT_PODS) -> None:
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))


def children(cluster: Cluster, namespace: str) -> str:
    return cluster.kubectl("get", "deployments", "-n", namespace, "-l", CHILDREN, "-o", "name").strip()


def test_two_shards_are_two_releases_side_by_side(release: Release, wait_until: WaitUntil) -> None:
    cluster = release.cluster
    release.install(values={**FIRST, **POLICIES})
    second = ("rollmodel-a", str(CHART), "--namespace", NAMESPACE)
    notes = release.helm("install", *second, *PATIENCE, values={**HERE, **SECOND})
    assert "It works in the namespaces of shard a: those with the label rollmodel.dev/shard=a." in notes
    assert "crds.enabled is false: another release, or you, must have installed the CRDs of this version." in notes
    leases = json.loads(release.kubectl("get", "leases", "-l", LABEL, "-o", "json"))["items"]
    assert {one["metadata"]["name"]: one["metadata"]["labels"][LABEL] for one in leases} == {
        "rollmodel": "default",
        "rollmodel-a": "a",
    }
    cluster.kubectl("label", "namespace", THEIRS, f"{LABEL}=a")
    for namespace in (OURS, THEIRS):
        create(cluster, namespace)
    wait_until(lambda: all(children(cluster, namespace) for namespace in (OURS, THEIRS)))
    # The second operator makes a run by a schedule, though the policies are those of the first release.
    create(cluster, THEIRS, SCHEDULED)
    wait_until(lambda: "nightly-" in cluster.kubectl("get", "tjob", "-n", THEIRS, "-o", "name"))

    refused = release.helm.refusal("install", "third", str(CHART), "--namespace", NAMESPACE, values={**HERE, **SECOND})
    assert 'ClusterRole "rollmodel-works-in-shard-a"' in refused
    assert 'must equal "third": current value is "rollmodel-a"' in refused
    release.kubectl("rollout", "restart", "deployment/rollmodel-a")
    release.kubectl("rollout", "status", "deployment/rollmodel-a", "--timeout=120s")
    for name in ("rollmodel", "rollmodel-a"):
        said = release.kubectl("logs", f"deployment/{name}")
        assert "is another operator" not in said
        assert "forbidden" not in said.lower()

    cluster.kubectl("delete", "mdep,tjob", "--all", "-n", THEIRS, "--timeout=60s")
    release.helm("uninstall", "rollmodel-a", "--namespace", NAMESPACE)
    assert crd_names() <= release.names("crd")
    assert "rollmodel-view" in release.names("clusterrole")
    cluster.kubectl("label", "namespace", THEIRS, f"{LABEL}-")
    create(cluster, THEIRS)
    wait_until(lambda: bool(children(cluster, THEIRS)))


#: A run each minute, whose template names a Secret that no operator may read.
SCHEDULED: Object = {
    "apiVersion": "rollmodel.dev/v1alpha1",
    "kind": "TrainingJob",
    "metadata": {"name": "nightly"},
    "spec": {
        "schedule": {"cron": "* * * * *"},
        "template": {"image": "registry.example.com/train:1", "imagePullSecrets": [{"name": "registry"}]},
    },
}


def test_a_second_release_for_all_namespaces_is_refused_and_one_past_helm_is_told(
    release: Release, wait_until: WaitUntil
) -> None:
    release.install()
    second = ("second", str(CHART), "--namespace", "second", "--create-namespace")
    values = {**HERE, "crds": {"enabled": False}}
    refused = release.helm.refusal("install", *second, values=values)
    assert 'ClusterRole "rollmodel-works-in-all-namespaces"' in refused
    assert 'must equal "second": current value is "rollmodel"' in refused

    release.helm("install", *second, "--take-ownership", values=values)
    asked = ("logs", "deployment/second-rollmodel", "-n", "second")
    release.cluster.kubectl("rollout", "status", *asked[1:], "--timeout=120s")
    wait_until(lambda: f"Deployment {NAMESPACE}/rollmodel is another operator" in release.cluster.kubectl(*asked))
