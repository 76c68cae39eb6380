"""Jobs that somebody makes all at once, without an operator: how long the Job controller takes to make their pods.

A kube-controller-manager sends 20 requests a second for its Jobs (``--kube-api-qps``), and one Job takes several.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from localcluster import Cluster
from localcluster.kubeapi import KubeApi, Mirror, Object
from tests.bench.scale.progress import say
from tests.bench.scale.rig.runs import JOBS, PODS

__all__ = ["measure"]

_LABEL = "bench.example.com/bare"
_PATIENCE_SECONDS = 600.0
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}


async def measure(cluster: Cluster, at_once: int) -> list[float]:
    """For each of so many Jobs the seconds from sending it to seeing its pod. The Jobs are deleted after it."""
    say(f"bare Jobs: {at_once} at once")
    sent, pods, gone, changed = dict[str, float](), dict[str, float](), set[str](), asyncio.Event()

    def pod_changed(old: Object | None, new: Object | None) -> None:
        if new is not None:
            pods.setdefault(new["metadata"]["labels"][_LABEL], time.monotonic())
        elif old is not None:
            gone.add(old["metadata"]["labels"][_LABEL])
        changed.set()

    async def until(condition: Callable[[], bool]) -> None:
        while not condition():
            changed.clear()
            await changed.wait()

    async def create(api: KubeApi, name: str) -> None:
        sent[name] = time.monotonic()
        await api.request("POST", JOBS, _job(name))

    async with KubeApi.connect(str(cluster.kubeconfig)) as api, asyncio.timeout(_PATIENCE_SECONDS):
        mirror = Mirror(api, PODS, pod_changed, query={"labelSelector": _LABEL})
        following = asyncio.create_task(mirror.run())
        await mirror.synced.wait()
        await asyncio.gather(*(create(api, f"bare-{number}") for number in range(at_once)))
        await until(lambda: len(pods) == at_once)
        await api.request("DELETE", JOBS, query={"labelSelector": _LABEL, "propagationPolicy": "Background"})
        await until(lambda: gone >= pods.keys())
        following.cancel()
    return [pods[name] - moment for name, moment in sent.items()]


def _job(name: str) -> Object:
    container = {"name": "train", "image": "registry.example.com/train:1", "securityContext": _RESTRICTED}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {_LABEL: name}},
        "spec": {
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": {_LABEL: name}},
                "spec": {"restartPolicy": "Never", "containers": [container]},
            },
        },
    }
