"""What no controller can be faster than: a loop that sees an object and creates its Deployment, and nothing else.

It knows no model, no status, no Event and no Service. What it takes is the API server's, etcd's and the watch's time on
this machine, where the Deployment controller and the scheduler are at work beside it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from localcluster import Cluster
from localcluster.kubeapi import KubeApi, Mirror, Object
from tests.bench.peers.argo import RESTRICTED
from tests.bench.peers.tool import Tool
from tests.bench.scale.rig.objects import OURS, manifests
from tests.bench.scale.rig.stack import NAMESPACE
from tests.bench.scale.rig.usage import Usage
from tests.support.live.light_models import LightModel

__all__ = ["bare_loop"]


def bare_loop(cluster: Cluster, follow: list[LightModel]) -> Tool:
    """A part of this process. It is looked at in a burst only."""
    objects = partial(manifests, follow=follow)
    return Tool("a bare loop", "bench", OURS, objects, partial(_running, cluster))


@asynccontextmanager
async def _running(cluster: Cluster) -> AsyncIterator[Usage]:
    async with KubeApi.connect(str(cluster.kubeconfig)) as api, asyncio.TaskGroup() as tasks:

        def changed(before: Object | None, after: Object | None) -> None:
            if before is None and after is not None:
                tasks.create_task(api.request("POST", OURS.children, _deployment(after)))

        mirror = Mirror(api, OURS.path, changed)
        watching = tasks.create_task(mirror.run())
        await mirror.synced.wait()
        yield Usage(os.getpid())
        watching.cancel()


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
