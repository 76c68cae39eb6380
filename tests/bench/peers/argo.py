"""Argo Rollouts (https://argoproj.github.io/rollouts): Rollouts with one pod each, and its controller.

The controller and its resource definitions come from the Go module that ``localcluster/tools/argo-rollouts`` pins. Its
own limit of requests per second is set so high that it does not count.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx

from localcluster.binaries.catalog import CATALOG
from localcluster.binaries.gobuild import GoBuilder
from localcluster.files import user_cache
from localcluster.kubeapi import Object
from localcluster.network import LOOPBACK, free_port
from tests.bench.peers.tool import Tool
from tests.bench.scale.rig.objects import Collection
from tests.bench.scale.rig.program import program
from tests.bench.scale.rig.stack import NAMESPACE, Stack
from tests.bench.scale.rig.usage import Usage
from tests.support.eventually import eventually

__all__ = ["RESTRICTED", "argo_rollouts"]

_CONTROLLER = "rollouts-controller"
_MODULE = "github.com/argoproj/argo-rollouts"
_USER = "argo-rollouts"
#: A container that namespaces with Pod Security "restricted" take.
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def argo_rollouts(where: Stack) -> Tool:
    """With its resource definitions installed."""
    kinds = Path(_module_folder(), "manifests", "crds")
    where.cluster.kubectl("apply", "--server-side", "-k", str(kinds))
    where.cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    collection = Collection(
        f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts",
        f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets",
        _is_healthy,
    )
    name = f"Argo Rollouts {CATALOG[_CONTROLLER].version}"
    return Tool(name, _USER, collection, _manifests, partial(_running, where))


def _module_folder() -> str:
    """Where Go keeps the module's files."""
    answer = GoBuilder(user_cache()).run("argo-rollouts", ["mod", "download", "-json", _MODULE])
    folder: str = json.loads(answer)["Dir"]
    return folder


def _is_healthy(rollout: Object) -> bool:
    status = rollout.get("status", {})
    return bool(status.get("phase") == "Healthy" and status.get("availableReplicas") == rollout["spec"]["replicas"])


def _manifests(prefix: str, count: int) -> list[Object]:
    return [_manifest(f"{prefix}-{number}") for number in range(count)]


def _manifest(name: str) -> Object:
    """A canary in two steps, as ours have by default."""
    labels = {"app": name}
    container = {"name": "model", "image": "registry.example.com/model:1", "securityContext": RESTRICTED}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            "strategy": {"canary": {"steps": [{"setWeight": 5}, {"pause": {}}, {"setWeight": 25}, {"pause": {}}]}},
        },
    }


@asynccontextmanager
async def _running(where: Stack) -> AsyncIterator[Usage]:
    cluster, health = where.cluster, free_port()
    options = {
        "--kubeconfig": cluster.kubeconfig_for(_USER, ["system:masters"]),
        "--leader-elect": "false",
        "--healthzPort": health,
        "--metricsPort": free_port(),
        "--loglevel": "error",
        "--qps": 500,
        "--burst": 1000,
    }
    with program(cluster, _CONTROLLER, options) as pid:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            url = f"http://{LOOPBACK}:{health}/healthz"
            await eventually(lambda: _answers(client, url), bool, "the controller of Argo Rollouts is healthy")
        yield Usage(pid)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False
