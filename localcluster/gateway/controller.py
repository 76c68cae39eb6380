"""The loop of the gateway: look, translate, hand over to Envoy, write status."""

from __future__ import annotations

import asyncio
import logging

from localcluster.kubeapi import MERGE_PATCH, UNREACHABLE, ApiError, KubeApi, Mirror, Object, in_words, now, timestamp

from .conditions import StatusChange, status_changes
from .envoy import Envoy, RejectedError
from .snapshot import GATEWAY_GROUP, Snapshot
from .translation import translate

__all__ = ["Controller"]

_API = f"/apis/{GATEWAY_GROUP}/v1"
_PATHS = {
    "classes": f"{_API}/gatewayclasses",
    "gateways": f"{_API}/gateways",
    "routes": f"{_API}/httproutes",
    "grpc_routes": f"{_API}/grpcroutes",
    "services": "/api/v1/services",
    "slices": "/apis/discovery.k8s.io/v1/endpointslices",
}
_GATHER_SECONDS = 0.01  # changes come in bursts: take them together
_RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class Controller:
    """Keeps one Envoy and the status of the Gateway API objects as the cluster wants them."""

    def __init__(self, api: KubeApi, envoy: Envoy, address: str) -> None:
        self._api, self._envoy, self._address = api, envoy, address
        self._changed = asyncio.Event()
        self._mirrors = {name: Mirror(api, path, self._on_change) for name, path in _PATHS.items()}

    async def run(self) -> None:
        """Follow the cluster until cancelled."""
        async with asyncio.TaskGroup() as group:
            for mirror in self._mirrors.values():
                group.create_task(mirror.run())
            for mirror in self._mirrors.values():
                await mirror.synced.wait()
            print("gateway is ready", flush=True)
            while True:
                await self._changed.wait()
                await asyncio.sleep(_GATHER_SECONDS)
                self._changed.clear()
                await self._pass()

    async def _pass(self) -> None:
        snapshot = Snapshot(**{name: mirror.objects for name, mirror in self._mirrors.items()})
        configuration, verdicts = translate(snapshot)
        try:
            await self._envoy.apply(configuration)
        except RejectedError as error:
            log.error("%s", error)  # noqa: TRY400 - the trace says nothing more
            self._later()
            return
        for change in status_changes(snapshot, verdicts, address=self._address, time=timestamp(now())):
            await self._write(change)

    async def _write(self, change: StatusChange) -> None:
        """Write a status unless its object has changed since; then its event starts the next pass anyhow."""
        metadata = change.item["metadata"]
        where = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
        path = f"{_API}{where}/{change.resource}/{metadata['name']}/status"
        body = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": change.status}
        try:
            await self._api.request("PATCH", path, body, content_type=MERGE_PATCH)
        except UNREACHABLE as error:
            log.warning("%s: %s", path, in_words(error))
            self._later()
        except ApiError as error:
            if error.status in (404, 409):
                return
            log.warning("%s: %s", path, error)
            self._later()

    def _later(self) -> None:
        asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._changed.set)

    def _on_change(self, old: Object | None, new: Object | None) -> None:  # noqa: ARG002 - any change counts
        self._changed.set()
