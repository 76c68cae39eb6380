"""Jobs and scheduled runs as children, handled with the rights that we ship."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.plan.decision import Ref
from rollmodel.plan.diff import matches

from localcluster import Cluster
from tests.support.eventually import eventually

pytestmark = pytest.mark.cluster

RBAC = Path(__file__).parents[3] / "config"
ACCOUNT = "system:serviceaccount:rollmodel-system:rollmodel"
OURS = "rollmodel.dev/v1alpha1"
SPEC = {"template": {"image": "registry.example.com/churn:1"}}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture
async def kube(cluster: Cluster, crds: Path) -> AsyncIterator[Kubernetes]:
    """The adapter as the operator's service account."""
    for name in ("namespace", "rbac"):
        cluster.kubectl("apply", "--server-side", "-f", str(RBAC / f"{name}.yaml"))
    kubeconfig = cluster.kubeconfig_for(ACCOUNT, ["system:serviceaccounts", "system:authenticated"])
    server = await ApiServer.connect(str(kubeconfig))
    adapter = Kubernetes(server, wake=lambda uid: None)
    running = asyncio.create_task(adapter.run())
    await adapter.listed()
    yield adapter
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await server.close()
    await asyncio.sleep(0)  # let the transports close


@pytest.fixture
async def owner(api: ApiServer, namespace: str) -> dict[str, Any]:
    """A TrainingJob that a person made."""
    manifest = {"apiVersion": OURS, "kind": "TrainingJob", "metadata": {"name": "churn"}, "spec": SPEC}
    return await api.request("POST", resource_of(OURS, "TrainingJob").path(namespace), body=manifest)


def child(owner: dict[str, Any], api_version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    reference = {key: owner[key] for key in ("apiVersion", "kind")} | {
        key: owner["metadata"][key] for key in ("name", "uid")
    }
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {"rollmodel.dev/managed-by": "rollmodel"},
            "ownerReferences": [{**reference, "controller": True}],
        },
        "spec": spec,
    }


def job(owner: dict[str, Any], template: dict[str, Any] | None = None, *, suspend: bool) -> dict[str, Any]:
    container = {"name": "train", "image": "registry.example.com/churn:1", "securityContext": RESTRICTED}
    template = template or {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return child(owner, "batch/v1", "Job", "churn-1", {"backoffLimit": 0, "suspend": suspend, "template": template})


async def test_a_job_is_suspended_and_resumed(kube: Kubernetes, owner: dict[str, Any]) -> None:
    made = await kube.apply(job(owner, suspend=True))
    assert [Ref.of(one) for one in kube.children(owner)] == [Ref.of(made)]
    assert matches(job(owner, suspend=True), made)
    assert not matches(job(owner, suspend=False), made)
    for suspend in (False, True):
        changed = await kube.apply(job(owner, made["spec"]["template"], suspend=suspend))
        assert changed["metadata"]["uid"] == made["metadata"]["uid"]
        assert changed["spec"]["suspend"] is suspend


async def test_the_pods_of_a_job_go_with_it(kube: Kubernetes, owner: dict[str, Any]) -> None:
    made = await kube.apply(job(owner, suspend=False))
    namespace, labels = owner["metadata"]["namespace"], {"batch.kubernetes.io/job-name": "churn-1"}

    async def pods() -> int:
        return len(await kube.list_pods(namespace, labels))

    await eventually(pods, bool, "the Job has a pod")
    await kube.delete(Ref.of(made), uid=made["metadata"]["uid"])
    await eventually(pods, lambda count: count == 0, "the pod is gone")
    assert await kube.get(Ref.of(made)) is None


async def test_a_scheduled_run_is_a_child(kube: Kubernetes, owner: dict[str, Any]) -> None:
    made = await kube.apply(child(owner, OURS, "TrainingJob", "churn-29000000", SPEC))
    assert [Ref.of(one) for one in kube.children(owner)] == [Ref.of(made)]
    await kube.delete(Ref.of(made), uid=made["metadata"]["uid"])

    async def children() -> int:
        return len(kube.children(owner))

    await eventually(children, lambda count: count == 0, "the child is forgotten")


async def test_a_cluster_without_kueue_has_no_workloads(kube: Kubernetes, namespace: str) -> None:
    assert await kube.list_workloads(namespace) is None
