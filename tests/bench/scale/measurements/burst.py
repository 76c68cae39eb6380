"""Objects that come all at once: how long until the child of each can be seen."""

from __future__ import annotations

import asyncio
import time

from localcluster import Cluster
from localcluster.kubeapi import KubeApi, Object
from tests.bench.scale.rig.objects import OURS, Collection, watched

__all__ = ["burst"]

_APPLY = "application/apply-patch+yaml"


async def burst(cluster: Cluster, objects: list[Object], what: Collection = OURS) -> list[float]:
    """Apply all at the same moment; for each the seconds from sending the apply to seeing the child.

    The connections of who applies are open before: kubectl opens one for all that it sends, and no hundred.
    """
    async with watched(cluster, what) as (api, clock):
        await asyncio.gather(*(api.request("GET", what.path, query={"limit": "1"}) for _ in objects))
        sent = {one["metadata"]["name"]: time.monotonic() for one in objects}
        await asyncio.gather(*(_apply(api, what.path, one) for one in objects))
        await clock.until(lambda: sent.keys() <= clock.deployed.keys())
    return [clock.deployed[name] - moment for name, moment in sent.items()]


async def _apply(api: KubeApi, path: str, manifest: Object) -> None:
    address, query = f"{path}/{manifest['metadata']['name']}", {"fieldManager": "bench", "force": "true"}
    await api.request("PATCH", address, manifest, query=query, content_type=_APPLY)
