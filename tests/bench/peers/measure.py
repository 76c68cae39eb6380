"""One tool from its first object to all of them ready, and many objects at once."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass

from localcluster import Cluster
from localcluster.kubeapi import KubeApi, Object
from tests.bench.peers.tool import Tool
from tests.bench.scale.measurements.burst import burst
from tests.bench.scale.progress import say
from tests.bench.scale.rig.audit import Requests, until_quiet
from tests.bench.scale.rig.objects import watched
from tests.bench.scale.rig.stack import NAMESPACE

__all__ = ["Figures", "measure", "measure_burst"]

_PATIENCE_SECONDS = 1800.0
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@dataclass(frozen=True, slots=True)
class Figures:
    """What ``objects`` objects cost: seconds from the first apply to the end of the apply, and to the last one ready.

    ``requests`` and ``cpu_seconds`` are the controller's from the first apply until it is quiet. Memory is in bytes:
    of the new process, with all objects, and at the most. ``burst``: seconds from sending an apply to seeing the child,
    of each of those that came all at once. ``waited``: seconds from seeing an object of the one apply to seeing its
    child.
    """

    tool: str
    objects: int
    apply_seconds: float
    ready_seconds: float
    requests: Requests
    cpu_seconds: float
    memory: tuple[int, int, int]
    burst: list[float]
    waited: list[float]


async def measure(cluster: Cluster, tool: Tool, objects: int, at_once: int) -> Figures:
    """One run; the cluster is left as it was found."""
    async with tool.running() as usage:
        try:
            async with watched(cluster, tool.collection) as (_, clock):
                empty = usage.memory
                await asyncio.to_thread(_apply, cluster, tool.manifests("first", 1))
                await clock.until(lambda: len(clock.ready) == 1)
                await until_quiet(cluster.audit_log, tool.user, time.time())

                say(f"{tool.name}: {objects:,} objects")
                wall, began, cpu = time.time(), time.monotonic(), usage.cpu_seconds
                with tool.watching(usage.pid):
                    await asyncio.to_thread(_apply, cluster, tool.manifests("many", objects))
                    applied = time.monotonic() - began
                    await clock.until(lambda: len(clock.ready) == objects + 1)
                    ready = max(clock.ready.values()) - began
                    waited = [clock.deployed[name] - clock.seen[name] for name in clock.ready]
                    sent = await until_quiet(cluster.audit_log, tool.user, wall)
            cpu, full, peak = usage.cpu_seconds - cpu, usage.memory, usage.peak_memory
            each = 1000 * cpu / objects
            say(f"{tool.name}: all ready after {ready:.0f} s, {each:.0f} ms of CPU each; {at_once} at once")
            seconds = await burst(cluster, tool.manifests("burst", at_once), tool.collection)
        finally:
            await _clean(cluster, tool)
    return Figures(tool.name, objects, applied, ready, sent, cpu, (empty, full, peak), seconds, waited)


async def measure_burst(cluster: Cluster, tool: Tool, at_once: int) -> list[float]:
    """Many at once only: seconds from sending each to seeing its child."""
    async with tool.running():
        try:
            say(f"{tool.name}: {at_once} at once")
            return await burst(cluster, tool.manifests("burst", at_once), tool.collection)
        finally:
            await _clean(cluster, tool)


def _apply(cluster: Cluster, objects: list[Object]) -> None:
    """``kubectl apply --server-side``, all in one."""
    everything = {"apiVersion": "v1", "kind": "List", "items": objects}
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(everything))


async def _clean(cluster: Cluster, tool: Tool) -> None:
    """Delete all objects, and wait until children and pods are gone too: the next tool shall find nothing to do."""
    say(f"{tool.name}: cleaning up")
    async with KubeApi.connect(str(cluster.kubeconfig)) as api, asyncio.timeout(_PATIENCE_SECONDS):
        for path in (tool.collection.path, tool.collection.children, _PODS):
            while (await api.request("GET", path, query={"limit": "1"}))["items"]:
                if path == tool.collection.path:
                    with suppress(TimeoutError):  # many objects: the API server goes through them in several requests
                        await api.request("DELETE", path)
                await asyncio.sleep(1)
