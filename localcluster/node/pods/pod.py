"""One Pod on this node, from the moment it is bound until it is gone from the API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcluster.kubeapi import UNREACHABLE, ApiError, Object, in_words, now
from localcluster.network import LOOPBACK
from localcluster.node.containers.container import Container, Surroundings
from localcluster.node.containers.environment import ConfigError
from localcluster.node.pods.folders import PodFolder
from localcluster.node.pods.login import write_login
from localcluster.node.pods.podapi import API_RETRY_SECONDS, PodApi
from localcluster.node.pods.status import ContainerRecord, is_sidecar, pod_status
from localcluster.node.pods.volumes import Origins, write_volume

__all__ = ["PodWorker", "Settings"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """What all Pods of the node share.

    Their folders, the image table, the folder that PersistentVolumes lie in, and the first back-off of a crash loop
    in seconds.
    """

    pods: Path
    images: Path
    volumes: Path
    backoff_base: float = 1.0


class PodWorker:
    """Runs one Pod. ``begin`` it once; ``terminate`` (with grace) or ``kill`` ends it."""

    def __init__(self, api: PodApi, pod: Object, address: str, settings: Settings) -> None:
        self.address = address
        self.folder = PodFolder(settings.pods, pod["metadata"]["uid"])
        self.pod = pod | {"status": pod.get("status", {}) | {"podIP": address, "hostIP": LOOPBACK}}
        self._api, self._settings = api, settings
        self._over = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._terminating: asyncio.Task[None] | None = None
        self._inits, self._mains = self._containers()

    @property
    def over(self) -> bool:
        """Whether all containers have ended for good."""
        return self._over

    def begin(self) -> None:
        """Run the Pod and report its status."""
        self._changed.set()
        self._reporting = _spawn(self._report())
        if not self._over:
            self._running = _spawn(self._run())

    def update(self, pod: Object) -> None:
        """Take over what may change while a Pod runs: its metadata."""
        self.pod["metadata"] = pod["metadata"]
        self._changed.set()

    def terminate(self, grace_seconds: float) -> None:
        """End the containers, then the object. Further calls are ignored."""
        if self._terminating is None:
            self._terminating = _spawn(self._terminate(grace_seconds))

    async def kill(self) -> None:
        """End everything at once, without a word to the API server."""
        await _cancel(self._terminating, self._running, self._reporting)
        await asyncio.gather(*(container.kill() for container in (*self._inits, *self._mains)))

    def record(self, container: str) -> ContainerRecord | None:
        """What is known of a container."""
        records = [item.record for item in (*self._inits, *self._mains)]
        return next((record for record in records if record.name == container), None)

    # -- running --------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        for volume in self.pod["spec"].get("volumes", ()):
            await self._write_volume(volume)
        write_login(self.pod, self.folder, self._api.server)
        sidecars: list[asyncio.Task[int]] = []
        try:
            if await self._initialize(sidecars):
                await asyncio.gather(*(main.run() for main in self._mains))
        finally:
            await _cancel(*sidecars)
        await self._stop_inits(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        self._over = True
        self._changed.set()

    async def _write_volume(self, volume: Object) -> None:
        """Write one volume, as soon as what it refers to is there."""
        folder, name = self.folder.volume(volume["name"]), volume["name"]
        origins = Origins(self._api.lookup, self._api.token, self._api.claimed, self._settings.volumes)
        while True:
            try:
                return await write_volume(self.pod, volume, folder, origins)
            except ConfigError as error:
                await self._api.notice("Warning", "FailedMount", f'MountVolume.SetUp failed for "{name}": {error}')
                await asyncio.sleep(self._settings.backoff_base)
            except (ApiError, *UNREACHABLE) as error:
                log.info("volume %s of %s: %s", name, self.pod["metadata"]["name"], in_words(error))
                await asyncio.sleep(API_RETRY_SECONDS)

    async def _initialize(self, sidecars: list[asyncio.Task[int]]) -> bool:
        """Run the init containers in order; sidecars are left running. False where one failed for good."""
        for init in self._inits:
            if is_sidecar(init.spec):
                sidecars.append(asyncio.create_task(init.run()))
                await init.started.wait()
            elif await init.run() != 0:
                return False
        return True

    async def _terminate(self, grace_seconds: float) -> None:
        await _cancel(self._running)
        if not self._over:
            await asyncio.gather(*(main.stop(grace_seconds) for main in self._mains))
            await self._stop_inits(grace_seconds)
            for container in (*self._inits, *self._mains):
                container.settle()
            self._over = True
        await _cancel(self._reporting)
        await self._write_status()
        await self._api.delete()

    async def _stop_inits(self, grace_seconds: float) -> None:
        """Sidecars end after the main containers, the last one first."""
        for init in reversed(self._inits):
            await init.stop(grace_seconds)

    # -- reporting ------------------------------------------------------------------------------------------------

    async def _report(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._write_status()

    async def _write_status(self) -> None:
        """Write the status where it differs from what the API server has."""
        before = self.pod["status"]
        status = pod_status(
            self.pod,
            address=self.address,
            inits=[item.record for item in self._inits],
            mains=[item.record for item in self._mains],
            time=now(),
            over=self._over,
        )
        if any(before.get(key) != value for key, value in status.items()):
            await self._api.write_status(status)
            self.pod["status"] = before | status

    # -- beginning ------------------------------------------------------------------------------------------------

    def _containers(self) -> tuple[list[Container], list[Container]]:
        spec, status = self.pod["spec"], self.pod["status"]
        around = Surroundings(
            pod=self.pod,
            folder=self.folder,
            images=self._settings.images,
            lookup=self._api.lookup,
            changed=self._changed.set,
            notice=self._api.notice,
            backoff_base=self._settings.backoff_base,
        )
        policy = spec.get("restartPolicy", "Always")
        init_policy = "OnFailure" if policy == "Always" else policy
        reason = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
        written = {item["name"]: item for item in status.get("initContainerStatuses", [])}
        written |= {item["name"]: item for item in status.get("containerStatuses", [])}

        def container(item: Object, own_policy: str) -> Container:
            name = item["name"]
            if name in written:
                record = ContainerRecord.found(written[name], now())
            else:
                record = ContainerRecord(name, item["image"])
                record.wait(reason)
            return Container(around, item, record, policy=own_policy)

        inits = [container(item, item.get("restartPolicy", init_policy)) for item in spec.get("initContainers", ())]
        return inits, [container(item, policy) for item in spec["containers"]]


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    task.add_done_callback(_log_failure)
    return task


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a Pod's task failed", exc_info=error)


async def _cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they have ended."""
    alive = [task for task in tasks if task]
    for task in alive:
        task.cancel()
    await asyncio.gather(*alive, return_exceptions=True)
