"""What one Pod needs of the API server."""

from __future__ import annotations

import asyncio
import logging
import uuid

from localcluster.kubeapi import STRATEGIC_PATCH, UNREACHABLE, ApiError, KubeApi, Object, in_words, now, timestamp

__all__ = ["API_RETRY_SECONDS", "PodApi"]

# The node authorizer hears of a new Pod a moment after we do: until then it answers 403.
API_RETRY_SECONDS = 0.2
_WRITE_RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class PodApi:
    """Requests on behalf of one Pod, as a node may send them: its own Pod, and what that refers to."""

    def __init__(self, api: KubeApi, pod: Object) -> None:
        metadata = pod["metadata"]
        self._api = api
        self._namespace = f"/api/v1/namespaces/{metadata['namespace']}"
        self._path = f"{self._namespace}/pods/{metadata['name']}"
        self._service_account = pod["spec"].get("serviceAccountName", "default")
        self._node = pod["spec"]["nodeName"]
        self._posted: set[tuple[str, str]] = set()
        self._reference = {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        }

    @property
    def server(self) -> str:
        """Where the API server is."""
        return self._api.server

    async def lookup(self, resource: str, name: str) -> Object | None:
        """A ConfigMap, Secret or claim of the namespace, None where it is missing. Raises ApiError, UNREACHABLE."""
        return await self._api.get(f"{self._namespace}/{resource}/{name}")

    async def claimed(self, claim: str) -> Object | None:
        """The PersistentVolume that a claim is bound to, None where there is none. Raises ApiError, UNREACHABLE."""
        found = await self.lookup("persistentvolumeclaims", claim) or {}
        bound = found.get("status", {}).get("phase") == "Bound"
        return await self._api.get(f"/api/v1/persistentvolumes/{found['spec']['volumeName']}") if bound else None

    async def token(self, projection: Object) -> str:
        """A token of the Pod's service account, bound to the Pod. Raises ApiError, UNREACHABLE."""
        wish = {
            "audiences": [projection["audience"]] if projection.get("audience") else [],
            "expirationSeconds": projection.get("expirationSeconds", 3600),
            "boundObjectRef": {key: self._reference[key] for key in ("apiVersion", "kind", "name", "uid")},
        }
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": wish}
        answer = await self._api.request(
            "POST", f"{self._namespace}/serviceaccounts/{self._service_account}/token", body
        )
        token: str = answer["status"]["token"]
        return token

    async def write_status(self, status: Object) -> None:
        """Write the Pod's status, sooner or later; a Pod that is gone, or another of this name, is left alone."""
        patch = {"metadata": {"uid": self._reference["uid"]}, "status": status}
        await self._insist("PATCH", f"{self._path}/status", patch, STRATEGIC_PATCH)

    async def delete(self) -> None:
        """Say that nothing of the Pod is left on this node, sooner or later."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": self._reference["uid"]},
        }
        await self._insist("DELETE", self._path, options, "application/json")

    async def notice(self, kind: str, reason: str, message: str) -> None:
        """Post an Event about the Pod, each only once; one that cannot be posted is only logged."""
        if (reason, message) in self._posted:
            return
        self._posted.add((reason, message))
        name, time = self._reference["name"], timestamp(now())
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{uuid.uuid4().hex[:16]}", "namespace": self._reference["namespace"]},
            "involvedObject": self._reference,
            "type": kind,
            "reason": reason,
            "message": message[:1024],
            "source": {"component": "kubelet", "host": self._node},
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
        }
        try:
            await self._api.request("POST", f"{self._namespace}/events", event)
        except (ApiError, *UNREACHABLE) as error:
            log.info("%s: no Event %s: %s", name, reason, in_words(error))

    async def _insist(self, method: str, path: str, body: Object, content_type: str) -> None:
        while True:
            try:
                await self._api.request(method, path, body, content_type=content_type)
            except UNREACHABLE as error:
                log.info("%s: %s", path, in_words(error))
            except ApiError as error:
                if error.status < 500 and error.status != 429:
                    if error.status not in (404, 409):
                        log.warning("%s %s: %s", method, path, error)
                    return
            else:
                return
            await asyncio.sleep(_WRITE_RETRY_SECONDS)
