"""A release for two namespaces, installed by somebody who administers these two and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from charts.__main__ import CHART, REPOSITORY
from localcluster import Cluster, LocalClusterError
from tests.cluster.charts.conftest import HERE, Helm
from tests.cluster.charts.releases.test_release import WITHOUT_PODS
from tests.cluster.conftest import WaitUntil, serve_kinds
from tests.support.yaml_text import all_from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built

OURS, ALSO_OURS, THEIRS = "team-a", "team-a-dev", "team-b"
PERSON = "admin-of-two"
ACCOUNT = f"system:serviceaccount:{OURS}:rollmodel"
VALUES = {
    **HERE,
    "watch": {"namespaces": [OURS, ALSO_OURS]},
    "crds": {"enabled": False},
    "rbac": {"userRoles": {"create": False}},
    "features": {"gatewayApi": False, "kueue": False},
    "connectionSecrets": [{"namespace": OURS, "names": ["mlflow"]}],
}


@pytest.fixture
def person(bare: Cluster) -> Iterator[Path]:
    """The kubeconfig of somebody who has the roles admin, rollmodel and rollmodel-edit in two namespaces."""
    serve_kinds(bare)
    roles = [one for one in rbac() if one["kind"] == "ClusterRole"]
    bare.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(roles))
    for namespace in (OURS, ALSO_OURS, THEIRS):
        bare.kubectl("create", "namespace", namespace)
        bare.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    for namespace in (OURS, ALSO_OURS):
        for name in ("admin", "rollmodel", "rollmodel-edit"):
            options = (f"--clusterrole={name}", f"--user={PERSON}", "-n", namespace)
            bare.kubectl("create", "rolebinding", f"{PERSON}-{name}", *options)
    yield bare.kubeconfig_for(PERSON)
    for namespace in (OURS, ALSO_OURS, THEIRS):
        bare.kubectl("delete", "mdep", "--all", "-n", namespace, "--timeout=60s")
        bare.kubectl("delete", "namespace", namespace, "--wait=false")
    bare.kubectl("delete", "-f", "-", stdin=yaml.safe_dump_all(roles))
    bare.kubectl("delete", "-f", str(REPOSITORY / "crds"))


def rbac() -> Sequence[dict[str, Any]]:
    return all_from_yaml((REPOSITORY / "config" / "rbac.yaml").read_text())


def may(cluster: Cluster, verb: str, resource: str, *options: str) -> bool:
    """Whether the operator may."""
    try:
        return cluster.kubectl("auth", "can-i", verb, resource, f"--as={ACCOUNT}", *options).strip() == "yes"
    except LocalClusterError:  # kubectl's way of saying no
        return False


def test_it_is_installed_and_works_with_the_rights_of_two_namespaces(
    bare: Cluster, helm: Helm, person: Path, wait_until: WaitUntil
) -> None:
    as_person = helm.as_user(person)
    release = ("rollmodel", "--namespace", OURS)
    as_person("install", *release[:1], str(CHART), *release[1:], "--wait", "--timeout", "120s", values=VALUES)
    for namespace in (OURS, ALSO_OURS, THEIRS):
        bare.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(WITHOUT_PODS))

    def status(namespace: str) -> str:
        return bare.kubectl("get", "mdep", "churn", "-n", namespace, "-o", "jsonpath={.status.conditions}")

    wait_until(lambda: all("ModelResolved" in status(namespace) for namespace in (OURS, ALSO_OURS)))
    assert status(THEIRS) == ""  # it came last, and those that came before it are long done
    assert "Succeeded" in as_person("test", *release, "--timeout", "120s")

    assert may(bare, "create", "deployments.apps", "-n", ALSO_OURS)
    for resource in ("deployments.apps", "modeldeployments.rollmodel.dev", "pods", "namespaces", "secrets"):
        assert not may(bare, "list", resource, "-A")
        assert not may(bare, "list", resource, "-n", THEIRS)
    assert may(bare, "get", "secrets/mlflow", "-n", OURS)
    assert not may(bare, "get", "secrets/other", "-n", OURS)
    assert not may(bare, "list", "httproutes.gateway.networking.k8s.io", "-n", OURS)
    (pod,) = json.loads(bare.kubectl("get", "pods", "-n", OURS, "-o", "json"))["items"]
    said = bare.kubectl("logs", "-n", OURS, pod["metadata"]["name"])
    assert "forbidden" not in said.lower()
    for namespace in (OURS, ALSO_OURS):
        bare.kubectl("delete", "mdep", "churn", "-n", namespace, "--timeout=60s")
    as_person("uninstall", *release)
