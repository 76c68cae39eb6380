"""The Node object and its heartbeat."""

from __future__ import annotations

import asyncio
import logging
import platform

from localcluster.kubeapi import MERGE_PATCH, UNREACHABLE, ApiError, KubeApi, Object, in_words, now, timestamp
from localcluster.network import LOOPBACK

__all__ = ["heartbeat", "node_object", "register"]

_LEASE_SECONDS = 40
_RENEW_SECONDS = 10
# Made up: requests are not enforced, and an example's Pods must fit on a laptop.
_CAPACITY = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "256Gi", "pods": "1000"}
_PROBLEMS = {
    "MemoryPressure": "KubeletHasSufficientMemory",
    "DiskPressure": "KubeletHasNoDiskPressure",
    "PIDPressure": "KubeletHasSufficientPID",
}

log = logging.getLogger(__name__)


def node_object(name: str, port: int, time: str, version: str) -> Object:
    """The Node, Ready."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    system = platform.system().lower()
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": system, "kubernetes.io/arch": machine}
    conditions = [_condition(kind, "False", reason, time) for kind, reason in _PROBLEMS.items()]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {
            "capacity": _CAPACITY,
            "allocatable": _CAPACITY,
            "addresses": [{"type": "InternalIP", "address": LOOPBACK}, {"type": "Hostname", "address": name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "conditions": [*conditions, _condition("Ready", "True", "KubeletReady", time)],
            "nodeInfo": {
                "machineID": name,
                "systemUUID": name,
                "bootID": name,
                "kernelVersion": platform.release(),
                "osImage": "plain processes, no isolation",
                "containerRuntimeVersion": "local://1",
                "kubeletVersion": version,
                "kubeProxyVersion": "",
                "operatingSystem": system,
                "architecture": machine,
            },
        },
    }


def _condition(kind: str, status: str, reason: str, time: str) -> Object:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "localcluster node",
        "lastHeartbeatTime": time,
        "lastTransitionTime": time,
    }


async def register(api: KubeApi, name: str, port: int) -> None:
    """Create the Node, or renew its status where it exists. Raises ApiError, UNREACHABLE."""
    version = (await api.request("GET", "/version"))["gitVersion"]
    node = node_object(name, port, timestamp(now()), version)
    try:
        await api.request("POST", "/api/v1/nodes", node)
    except ApiError as error:
        if error.status != 409:
            raise
        await api.request("PATCH", f"/api/v1/nodes/{name}/status", {"status": node["status"]}, content_type=MERGE_PATCH)


async def heartbeat(api: KubeApi, name: str) -> None:
    """Renew the node's Lease for ever; without it the control plane calls the Node unreachable after 50 s."""
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    while True:
        spec = {
            "holderIdentity": name,
            "leaseDurationSeconds": _LEASE_SECONDS,
            "renewTime": now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        try:
            await _renew(api, path, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": spec}, name)
        except (ApiError, *UNREACHABLE) as error:
            log.warning("lease of node %s: %s", name, in_words(error))
            await asyncio.sleep(1)
        else:
            await asyncio.sleep(_RENEW_SECONDS)


async def _renew(api: KubeApi, path: str, lease: Object, name: str) -> None:
    try:
        await api.request("PATCH", f"{path}/{name}", {"spec": lease["spec"]}, content_type=MERGE_PATCH)
    except ApiError as error:
        if error.status != 404:
            raise
        await api.request("POST", path, lease | {"metadata": {"name": name, "namespace": "kube-node-lease"}})
