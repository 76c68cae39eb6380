"""Short ways to say what Pods a cluster test wants, and to ask what became of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcluster import Cluster

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


class Kube:
    """kubectl for one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl(*arguments, "-n", self.namespace, stdin=stdin)

    def create(self, manifest: dict[str, Any]) -> None:
        self.run("create", "-f", "-", stdin=json.dumps(manifest))

    def get(self, kind: str, *names: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("get", kind, *names, "-o", "json"))
        return found

    def pod(self, name: str, *containers: dict[str, Any], **spec: Any) -> None:
        metadata = {"name": name}
        self.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(*containers, **spec)})

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.get("pod", name)["status"]
        return status

    def container(self, name: str) -> dict[str, Any]:
        """The status of a Pod's first container; empty before the node has written any."""
        return next(iter(self.status(name).get("containerStatuses", [])), {"state": {}, "lastState": {}})

    def waits_for(self, name: str) -> str | None:
        reason: str | None = self.container(name)["state"].get("waiting", {}).get("reason")
        return reason

    def folder(self, pod: str) -> Path:
        """Where the node keeps a Pod's files."""
        uid: str = self.get("pod", pod)["metadata"]["uid"]
        return self.cluster.directory / "data" / "node" / "pods" / uid


Wait = Callable[[Callable[[], object]], None]


def pod_spec(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A Pod spec that the Pod Security level "restricted" lets pass."""
    spec = {"terminationGracePeriodSeconds": 1, **spec, "containers": [*containers]}
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        container.setdefault("securityContext", RESTRICTED)
    return spec


def shell(script: str, *, name: str = "main", **more: Any) -> dict[str, Any]:
    """A container that runs a shell script."""
    return {"name": name, "image": "busybox", "command": ["sh", "-c", script], **more}
