"""ModelDeployments by the hundred: their manifests, and a clock that follows them and their children."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from rollmodel.api.base import GROUP, VERSION

from localcluster import Cluster
from localcluster.kubeapi import KubeApi, Mirror, Object
from tests.bench.scale.rig.stack import NAMESPACE
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.servers.light_server import Behaviour

__all__ = ["ALIAS", "OURS", "PATH", "Clock", "Collection", "apply", "manifests", "models", "watched"]

ALIAS = "challenger"
PATH = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/modeldeployments"

_CHUNK = 50
_PATIENCE_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Collection:
    """What is followed: the paths of the objects and of their children, and what says that an object is ready."""

    path: str
    children: str
    is_ready: Callable[[Object], bool]


def _is_ready(obj: Object) -> bool:
    conditions = obj.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


OURS = Collection(PATH, f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", _is_ready)
"""ModelDeployments and their Deployments."""


async def models(url: str, count: int) -> list[LightModel]:
    """Models registered in this MLflow, each with one version that the alias points to."""
    registry, found = LightRegistry(url), []
    for _ in range(count):
        model = await registry.model(Behaviour())
        await model.point(ALIAS, "1")
        found.append(model)
    return found


def manifests(prefix: str, count: int, follow: list[LightModel]) -> list[Object]:
    """As many objects; they take turns in following the alias of these models."""
    return [
        {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "ModelDeployment",
            "metadata": {"name": f"{prefix}-{number}", "namespace": NAMESPACE},
            "spec": {"model": {"registry": {"name": follow[number % len(follow)].name, "alias": ALIAS}}},
        }
        for number in range(count)
    ]


def apply(cluster: Cluster, objects: list[Object]) -> None:
    """``kubectl apply``, fifty objects at a time."""
    for start in range(0, len(objects), _CHUNK):
        batch = {"apiVersion": "v1", "kind": "List", "items": objects[start : start + _CHUNK]}
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(batch))


@dataclass(slots=True)
class Clock:
    """When a watch first showed what (monotonic seconds), by name of the object that was applied."""

    is_ready: Callable[[Object], bool]
    seen: dict[str, float] = field(default_factory=dict)
    ready: dict[str, float] = field(default_factory=dict)
    deployed: dict[str, float] = field(default_factory=dict)
    """When its child was there."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds of what was seen. Raises TimeoutError after half an hour."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def object_changed(self, _: Object | None, new: Object | None) -> None:
        """An object: since when is it there, and is it ready?"""
        if new is None:
            return
        self.seen.setdefault(new["metadata"]["name"], time.monotonic())
        if self.is_ready(new):
            self.ready.setdefault(new["metadata"]["name"], time.monotonic())
            self._changed.set()

    def child_changed(self, _: Object | None, new: Object | None) -> None:
        """A child: it is there."""
        for owner in new["metadata"].get("ownerReferences", ()) if new else ():
            self.deployed.setdefault(owner["name"], time.monotonic())
            self._changed.set()


@asynccontextmanager
async def watched(cluster: Cluster, what: Collection = OURS) -> AsyncIterator[tuple[KubeApi, Clock]]:
    """The administrator's client, and a clock that runs while the block lasts."""
    clock = Clock(what.is_ready)
    async with KubeApi.connect(str(cluster.kubeconfig)) as api:
        mirrors = [Mirror(api, what.path, clock.object_changed), Mirror(api, what.children, clock.child_changed)]
        tasks = [asyncio.create_task(mirror.run()) for mirror in mirrors]
        try:
            await asyncio.gather(*(mirror.synced.wait() for mirror in mirrors))
            yield api, clock
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
