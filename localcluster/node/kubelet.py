"""Which Pods this node runs: one worker for each Pod that is bound to it."""

from __future__ import annotations

import asyncio
import logging

from localcluster.kubeapi import KubeApi, Mirror, Object
from localcluster.node.addressing import Addresses
from localcluster.node.containers.process import kill_left_over
from localcluster.node.pods.pod import PodWorker, Settings
from localcluster.node.pods.podapi import PodApi

__all__ = ["Kubelet"]

log = logging.getLogger(__name__)


class Kubelet:
    """Follows the Pods of one node."""

    def __init__(self, api: KubeApi, node: str, settings: Settings) -> None:
        self._api, self._settings = api, settings
        self._addresses = Addresses(settings.pods)
        self._workers: dict[str, PodWorker] = {}
        self._kills: set[asyncio.Task[None]] = set()
        self._pods = Mirror(api, "/api/v1/pods", self._on_change, query={"fieldSelector": f"spec.nodeName={node}"})

    async def run(self) -> None:
        """Run Pods until cancelled, then end their processes."""
        self._settings.pods.mkdir(parents=True, exist_ok=True)
        await kill_left_over(self._settings.pods)
        try:
            await self._pods.run()
        finally:
            await asyncio.gather(*(worker.kill() for worker in self._workers.values()))

    def worker(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a Pod by name."""
        for worker in self._workers.values():
            metadata = worker.pod["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, name):
                return worker
        return None

    def _on_change(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            if old and (worker := self._workers.pop(old["metadata"]["uid"], None)):
                self._forget(worker)
            return
        uid = new["metadata"]["uid"]
        if uid not in self._workers:
            self._workers[uid] = self._begin(new)
        else:
            self._workers[uid].update(new)
        if new["metadata"].get("deletionTimestamp"):
            self._workers[uid].terminate(new["metadata"].get("deletionGracePeriodSeconds", 30))

    def _begin(self, pod: Object) -> PodWorker:
        address = self._addresses.take(pod.get("status", {}).get("podIP"))
        worker = PodWorker(PodApi(self._api, pod), pod, address, self._settings)
        if not pod["metadata"].get("deletionTimestamp"):
            worker.begin()
        return worker

    def _forget(self, worker: PodWorker) -> None:
        """The object is gone: so must be its processes, its folder and its address."""
        task = asyncio.create_task(self._remove(worker))
        self._kills.add(task)
        task.add_done_callback(self._kills.discard)

    async def _remove(self, worker: PodWorker) -> None:
        await worker.kill()
        worker.folder.remove()
        self._addresses.release(worker.address)
