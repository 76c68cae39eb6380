"""A Kubernetes client with plain dicts, for the parts of the local cluster that follow objects.

:class:`KubeApi` sends one request and gives back the decoded answer; :class:`Mirror` keeps a local copy of a collection
by list and watch, as client-go's reflector does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeAlias

import aiohttp
from kubernetes.aio import config

__all__ = [
    "MERGE_PATCH",
    "STRATEGIC_PATCH",
    "UNREACHABLE",
    "ApiError",
    "KubeApi",
    "Mirror",
    "Object",
    "in_words",
    "now",
    "timestamp",
]

Object: TypeAlias = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
UNREACHABLE = (aiohttp.ClientError, OSError, TimeoutError)

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer with an HTTP status of 400 or more (or the ERROR event of a watch)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


def in_words(error: BaseException) -> str:
    """What went wrong, for errors too that have no message of their own (time-outs)."""
    return str(error) or type(error).__name__


def now() -> datetime:
    """The time, with the whole seconds that the API keeps."""
    return datetime.now(UTC).replace(microsecond=0)


def timestamp(time: datetime) -> str:
    """A time as ``metav1.Time`` writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class KubeApi:
    """Requests to one API server. Open it with :meth:`connect`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def connect(cls, kubeconfig: str) -> AsyncIterator[KubeApi]:
        """A client for the current context of a kubeconfig file."""
        client = await config.new_client_from_config(kubeconfig)
        try:
            yield cls(client)
        finally:
            await client.close()

    @property
    def server(self) -> str:
        """The address of the API server."""
        return str(self._client.configuration.host)

    async def request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send and decode. Raises ApiError, or one of UNREACHABLE."""
        answer = await self._send(method, path, query or {}, aiohttp.ClientTimeout(total=15), body, content_type)
        decoded: Object = json.loads(await answer.read())
        return decoded

    async def get(self, path: str) -> Object | None:
        """The object at this path, None where there is none."""
        try:
            return await self.request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[tuple[str, Object]]:
        """The events (type, object) of a watch until the server ends it. Raises as :meth:`request`."""
        seconds = random.randint(240, 300)  # noqa: S311 - spread, as client-go does
        query = {**query, "watch": "1", "allowWatchBookmarks": "1", "timeoutSeconds": str(seconds)}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=seconds + 10)
        answer = await self._send("GET", path, query, timeout)
        try:
            async for line in answer.response.content:
                event = _event(line)
                if event["type"] == "ERROR":
                    raise ApiError(event["object"].get("code", 500), event["object"].get("message", ""))
                yield event["type"], event["object"]
        finally:
            answer.response.close()

    async def _send(  # noqa: PLR0917
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        limit: aiohttp.ClientTimeout,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Any:
        parameters = await self._client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Content-Type": content_type, "Accept": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._client.call_api(*parameters, _request_timeout=limit)
        if answer.status >= 400:
            raise ApiError(answer.status, _message(await answer.read()))
        return answer


def _event(line: bytes) -> Object:
    try:
        event: Object = json.loads(line)
    except ValueError as error:
        raise aiohttp.ClientPayloadError("the watch ended within an event") from error
    return event


def _message(body: bytes) -> str:
    text = body.decode(errors="replace")
    with suppress(ValueError, AttributeError):
        text = json.loads(text).get("message", text)
    return text


class Mirror:
    """A local copy of a collection, kept by list and watch.

    ``on_change(old, new)`` is called for each object that appears (old is None), changes, or goes (new is None);
    also for what changed while the watch was broken. An object that was replaced by one of the same name goes first.
    """

    def __init__(
        self,
        api: KubeApi,
        path: str,
        on_change: Callable[[Object | None, Object | None], None],
        *,
        query: Mapping[str, str] | None = None,
    ) -> None:
        self._api, self._path, self._on_change, self._query = api, path, on_change, dict(query or {})
        self._objects: dict[str, Object] = {}
        self.synced = asyncio.Event()

    @property
    def objects(self) -> list[Object]:
        """What the copy holds, in the order of the last change."""
        return list(self._objects.values())

    async def run(self) -> None:
        """Follow until cancelled; an API server that is away is asked again each second."""
        while True:
            try:
                version = await self._list()
                while version:
                    version = await self._watch(version)
            except UNREACHABLE as error:
                log.warning("%s: %s", self._path, in_words(error))
                await asyncio.sleep(1)
            except ApiError as error:
                if error.status != 410:  # Gone: too old to continue, list again at once
                    log.warning("%s: %s", self._path, error)
                    await asyncio.sleep(1)

    async def _list(self) -> str:
        answer = await self._api.request("GET", self._path, query=self._query)
        found = {item["metadata"]["uid"]: item for item in answer.get("items") or []}
        for uid in [uid for uid in self._objects if uid not in found]:
            self._store(uid, None)
        for uid, item in found.items():
            self._store(uid, item)
        self.synced.set()
        version: str = answer["metadata"]["resourceVersion"]
        return version

    async def _watch(self, version: str) -> str:
        async for kind, item in self._api.watch(self._path, {**self._query, "resourceVersion": version}):
            version = item["metadata"]["resourceVersion"]
            if kind != "BOOKMARK":
                self._store(item["metadata"]["uid"], None if kind == "DELETED" else item)
        return version

    def _store(self, uid: str, new: Object | None) -> None:
        old = self._objects.pop(uid, None)
        if new is not None:
            self._objects[uid] = new
        versions = [item["metadata"]["resourceVersion"] if item else None for item in (old, new)]
        if versions[0] != versions[1]:
            self._on_change(old, new)
