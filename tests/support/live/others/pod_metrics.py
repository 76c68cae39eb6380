"""CPU of pods for the real HPA controller: ``metrics.k8s.io``, served by the test behind the API server's aggregator.

There is no proxy for Services here, so the APIService names a Service of the type ExternalName, which the API server
resolves itself. While an APIService does not answer, namespaces cannot be deleted: it goes with the test.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from localcluster import Cluster
from tests.support.eventually import eventually
from tests.support.servers.tls import PrivateTls
from tests.support.servers.web import serve

__all__ = ["Usage", "pod_metrics"]

#: The CPU of the ready pods of a selector, in thousandths of a core, by the pod's name.
Usage = Callable[[str], Awaitable[dict[str, int]]]

_GROUP, _VERSION = "metrics.k8s.io", "v1beta1"


@asynccontextmanager
async def pod_metrics(cluster: Cluster, namespace: str, folder: Path, usage: Usage) -> AsyncIterator[None]:
    """Pods of the namespace use CPU as ``usage`` says, as far as autoscalers know."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/pods"):
            return web.json_response(_resources())
        used = await usage(request.query.get("labelSelector", ""))
        items = [_pod(namespace, name, millis) for name, millis in used.items()]
        return web.json_response(_typed("PodMetricsList", metadata={}, items=items))

    async with serve(answer, PrivateTls.create(folder).server()) as server:
        manifests = _registration(namespace, urlsplit(server.url).port or 0)
        items = {"apiVersion": "v1", "kind": "List", "items": manifests}
        await asyncio.to_thread(cluster.kubectl, "apply", "-f", "-", stdin=json.dumps(items))
        try:
            await eventually(lambda: _available(cluster), lambda ready: ready, "metrics.k8s.io is served")
            yield
        finally:
            await asyncio.to_thread(cluster.kubectl, "delete", "apiservice", f"{_VERSION}.{_GROUP}")


def _registration(namespace: str, port: int) -> list[dict[str, Any]]:
    service = {"type": "ExternalName", "externalName": "127.0.0.1", "ports": [{"port": port}]}
    api = {
        "group": _GROUP,
        "version": _VERSION,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"namespace": namespace, "name": "pod-metrics", "port": port},
    }
    meta = {"name": "pod-metrics", "namespace": namespace}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{_VERSION}.{_GROUP}"},
            "spec": api,
        },
    ]


async def _available(cluster: Cluster) -> bool:
    name = f"{_VERSION}.{_GROUP}"
    text = await asyncio.to_thread(cluster.kubectl, "get", "apiservice", name, "-o", "json")
    conditions = json.loads(text).get("status", {}).get("conditions", [])
    return any(one["type"] == "Available" and one["status"] == "True" for one in conditions)


def _typed(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": f"{_GROUP}/{_VERSION}", **fields}


def _resources() -> dict[str, Any]:
    pods = {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{_GROUP}/{_VERSION}",
        "resources": [pods],
    }


def _pod(namespace: str, name: str, millis: int) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    container = {"name": "model", "usage": {"cpu": f"{millis}m", "memory": "16Mi"}}
    meta = {"name": name, "namespace": namespace}
    return _typed("PodMetrics", metadata=meta, timestamp=now, window="5s", containers=[container])
