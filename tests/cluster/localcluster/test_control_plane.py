"""The control plane is a real one: it answers, enforces Pod Security, RBAC and tells users apart in its audit log."""

import json
import subprocess
from collections.abc import Callable

import pytest

from localcluster import Cluster, LocalClusterError

Wait = Callable[[Callable[[], bool]], None]

pytestmark = pytest.mark.cluster

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "plain"},
    "spec": {"containers": [{"name": "main", "image": "pause"}]},
}


def kubectl_as(cluster: Cluster, user: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    kubeconfig = cluster.kubeconfig_for(user, ["test-group"])
    binary = json.loads((cluster.directory / "cluster.json").read_text())["binaries"]["kubectl"]
    command = [binary, f"--kubeconfig={kubeconfig}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_ready(cluster: Cluster) -> None:
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"
    version = json.loads(cluster.kubectl("version", "-o", "json"))["serverVersion"]
    assert version["gitVersion"].startswith("v1.36.")


def test_pod_security_is_enforced(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(LocalClusterError, match="violates PodSecurity"):
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(POD))


def test_the_controllers_make_pods_of_a_deployment(cluster: Cluster, wait_until: Wait) -> None:
    cluster.kubectl("create", "deployment", "idle", "--image=pause", "--replicas=2")
    try:
        wait_until(lambda: len(cluster.kubectl("get", "pods", "-l", "app=idle", "-o", "name").split()) == 2)
    finally:
        cluster.kubectl("delete", "deployment", "idle")


def test_a_user_may_do_what_rbac_grants_and_no_more(cluster: Cluster, namespace: str) -> None:
    refused = kubectl_as(cluster, "jane", "get", "pods", "-n", namespace)
    assert refused.returncode != 0
    assert 'User "jane" cannot list resource "pods"' in refused.stderr
    cluster.kubectl("create", "rolebinding", "readers", "-n", namespace, "--clusterrole=view", "--group=test-group")
    assert kubectl_as(cluster, "jane", "get", "pods", "-n", namespace).returncode == 0
    assert kubectl_as(cluster, "jane", "get", "secrets", "-n", namespace).returncode != 0


@pytest.mark.parametrize("blocks", [False, True])
def test_an_owner_reference_that_blocks_needs_the_right_on_finalizers(
    cluster: Cluster, namespace: str, *, blocks: bool
) -> None:
    """As in OpenShift (OwnerReferencesPermissionEnforcement)."""
    cluster.kubectl("create", "rolebinding", "editors", "-n", namespace, "--clusterrole=edit", "--group=test-group")
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "owner", "uid": "0b5a2c6e"}
    meta = {"name": "owned", "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": blocks}]}
    child = cluster.directory / f"{namespace}.json"
    child.write_text(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}))
    created = kubectl_as(cluster, "jane", "create", "-n", namespace, "-f", str(child))
    assert (created.returncode, "cannot set blockOwnerDeletion" in created.stderr) == (
        (1, True) if blocks else (0, False)
    )


def test_the_audit_log_tells_users_apart(cluster: Cluster, wait_until: Wait) -> None:
    kubectl_as(cluster, "joe", "get", "--raw", "/version")

    def joes_requests() -> list[str]:
        entries = map(json.loads, cluster.audit_log.read_text().splitlines())
        return [entry["requestURI"] for entry in entries if entry["user"].get("username") == "joe"]

    wait_until(lambda: "/version" in joes_requests())
