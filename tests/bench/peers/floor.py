"""What no controller can be faster than: a loop that sees an object and creates its Deployment, and nothing else.

It knows no model, no Event and no Service. A second one writes a status of ten conditions first, as whoever must not
act twice does. What they take is the time of the API server, of etcd and of the watch on this machine, where the
Deployment controller and the scheduler are at work beside them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from localcluster import Cluster
from localcluster.kubeapi import MERGE_PATCH, KubeApi, Mirror, Object, now, timestamp
from tests.bench.peers.argo import RESTRICTED
from tests.bench.peers.tool import Tool
from tests.bench.scale.rig.objects import OURS, manifests
from tests.bench.scale.rig.stack import NAMESPACE
from tests.bench.scale.rig.usage import Usage
from tests.support.live.light_models import LightModel

__all__ = ["bare_loop"]

_TYPES = (
    *("Ready", "Reconciling", "Stalled", "Available", "Progressing"),
    *("Paused", "RolledBack", "ModelResolved", "TrafficProgrammed", "MetricsAvailable"),
)


def bare_loop(cluster: Cluster, follow: list[LightModel], *, status_first: bool = False) -> Tool:
    """A part of this process. It is looked at in a burst only."""
    objects = partial(manifests, follow=follow)
    name = "a bare loop that writes a status first" if status_first else "a bare loop"
    return Tool(name, "bench", OURS, objects, partial(_running, cluster, status_first=status_first))


@asynccontextmanager
async def _running(cluster: Cluster, *, status_first: bool) -> AsyncIterator[Usage]:
    async with KubeApi.connect(str(cluster.kubeconfig)) as api, asyncio.TaskGroup() as tasks:

        async def act(owner: Object) -> None:
            if status_first:
                path = f"{OURS.path}/{owner['metadata']['name']}/status"
                await api.request("PATCH", path, _status(owner), content_type=MERGE_PATCH)
            await api.request("POST", OURS.children, _deployment(owner))

        def changed(before: Object | None, after: Object | None) -> None:
            if before is None and after is not None:
                tasks.create_task(act(after))

        mirror = Mirror(api, OURS.path, changed)
        watching = tasks.create_task(mirror.run())
        await mirror.synced.wait()
        yield Usage(os.getpid())
        watching.cancel()


def _status(owner: Object) -> Object:
    """Ten conditions, on the version that was seen."""
    said = {"status": "Unknown", "reason": "JustBegun", "message": "nothing is known of it so far"}
    when = {"lastTransitionTime": timestamp(now()), "observedGeneration": 1}
    version = {"resourceVersion": owner["metadata"]["resourceVersion"]}
    return {"metadata": version, "status": {"conditions": [{"type": one, **said, **when} for one in _TYPES]}}


def _deployment(owner: Object) -> Object:
    meta = owner["metadata"]
    labels = {"app": meta["name"]}
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"]}
    container = {"name": "model", "image": "registry.example.com/model:1", "securityContext": RESTRICTED}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": meta["name"], "namespace": NAMESPACE, "ownerReferences": [reference]},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
