"""Objects that come all at once: how long until the child Deployment of each can be seen."""

from __future__ import annotations

import asyncio
import time

from localcluster import Cluster
from localcluster.kubeapi import KubeApi, Object
from tests.bench.scale.rig.objects import PATH, watched

__all__ = ["burst"]

_APPLY = "application/apply-patch+yaml"


async def burst(cluster: Cluster, objects: list[Object]) -> list[float]:
    """Apply all at the same moment; for each the seconds from sending the apply to seeing the Deployment."""
    async with watched(cluster) as (api, clock):
        sent = {one["metadata"]["name"]: time.monotonic() for one in objects}
        await asyncio.gather(*(_apply(api, one) for one in objects))
        await clock.until(lambda: sent.keys() <= clock.deployed.keys())
    return [clock.deployed[name] - moment for name, moment in sent.items()]


async def _apply(api: KubeApi, manifest: Object) -> None:
    path, query = f"{PATH}/{manifest['metadata']['name']}", {"fieldManager": "bench", "force": "true"}
    await api.request("PATCH", path, manifest, query=query, content_type=_APPLY)
