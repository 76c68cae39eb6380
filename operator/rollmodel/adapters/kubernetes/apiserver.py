"""HTTP to the Kubernetes API server: plain dicts in and out, errors of ours.

Built on ``kubernetes.aio`` at its lowest public level (``param_serialize``, ``call_api``), which brings login and token
refresh, and none of the parsing into models: that costs six times the CPU and fails on answers it does not expect.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from rollmodel import __version__
from rollmodel.adapters.kubernetes.kubeconfig import readable
from rollmodel.errors import Conflict, Forbidden, Invalid, NotFound, RollmodelError, Unavailable

__all__ = ["APPLY", "JSON_PATCH", "MERGE_PATCH", "METADATA", "ApiServer", "Expired"]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
#: A list of which only the metadata is sent.
METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"

#: How many objects are asked for at once, and how many of a list are read at all.
PAGE_ITEMS, MOST_ITEMS = 500, 5000

#: The longest time that an answer may ask us to stay away, in seconds.
MAX_RETRY_AFTER = 60.0


class Expired(Conflict):
    """HTTP 410: the resourceVersion to continue from is too old; list again."""

    default_reason = "Expired"


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    content_type: str = "application/json"
    accept: str = "application/json"


class ApiServer:
    """A connection to one API server."""

    def __init__(self, client: ApiClient, *, timeout: float = 30.0) -> None:
        self._client = client
        self._client.user_agent = f"rollmodel/{__version__}"
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(10.0, timeout))

    @classmethod
    async def connect(cls, kubeconfig: str | None = None, *, connections: int = 32) -> ApiServer:
        """Log in with this kubeconfig, or else with the pod's service account, or else with the usual kubeconfig.

        At most so many ``connections`` are open at once, the watches among them. Raises Invalid without a login.
        """
        # Trusting the environment costs a thread per request, which looks for proxies and a .netrc: look once instead.
        configuration = Configuration(connection_pool_maxsize=connections, client_session_kwargs={"trust_env": False})
        if kubeconfig is not None or not _load_service_account(configuration):
            with readable():
                await config.load_kube_config(kubeconfig, client_configuration=configuration, persist_config=False)
        configuration.proxy = configuration.proxy or _proxy_of_environment(configuration.host)
        return cls(ApiClient(configuration))

    @property
    def url(self) -> str:
        """Where the API server is."""
        return str(self._client.configuration.host)

    def session(self, *, connections: int) -> aiohttp.ClientSession:
        """A session of its own with the same login, for Kopf. A connection costs 256 KiB of TLS buffers: count them."""
        connector = aiohttp.TCPConnector(limit=connections, ssl=self._client.rest_client.ssl_context)
        proxy = self._client.configuration.proxy
        return aiohttp.ClientSession(connector=connector, middlewares=(self._authorise,), proxy=proxy)

    async def _authorise(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Add the token of the moment: service account tokens are rotated every hour."""
        token = await self._client.configuration.get_api_key_with_prefix("BearerToken")
        if token:
            request.headers["Authorization"] = token
        return await send(request)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        """One request; the decoded JSON answer. Raises errors of :mod:`rollmodel.errors`."""
        call = _Call(method, path, query or {}, body, content_type, accept)
        async with self._send(call, self._timeout) as response:
            answer: dict[str, Any] = json.loads(await response.read())
            return answer

    async def pages(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """The objects of a list, read page by page; of a list without an end the first ``MOST_ITEMS``."""
        asked, items = {**(query or {}), "limit": str(PAGE_ITEMS)}, list[dict[str, Any]]()
        while True:
            page = await self.request("GET", path, query=asked)
            items += page["items"] or ()
            token = (page.get("metadata") or {}).get("continue")
            if not token or len(items) >= MOST_ITEMS:
                return items
            asked = {key: value for key, value in asked.items() if key != "resourceVersion"} | {"continue": token}

    async def lines(self, path: str, *, query: Mapping[str, str], silence: float) -> AsyncGenerator[bytes, None]:
        """The lines of a streamed answer. Unavailable when nothing arrives for ``silence`` seconds."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=silence)
        async with self._send(_Call("GET", path, query), timeout) as response:
            async for line in response.content:
                if line.endswith(b"\n"):  # the last one may have been cut
                    yield line

    async def chunks(self, path: str, *, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """The bytes of a streamed answer as they come, however long it is silent in between: a container's log."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0)
        async with self._send(_Call("GET", path, query), timeout) as response:
            async for chunk in response.content.iter_any():
                yield chunk

    @asynccontextmanager
    async def _send(self, call: _Call, limits: aiohttp.ClientTimeout) -> AsyncIterator[aiohttp.ClientResponse]:
        request = await self._client.param_serialize(
            call.method,
            call.path,
            query_params=list(call.query.items()),
            header_params={"Accept": call.accept, "Content-Type": call.content_type},
            body=call.body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = await self._client.call_api(*request, _request_timeout=limits)
            async with answer.response as response:
                if response.status >= 400:
                    raise _error(response.status, await response.read(), response.headers.get("Retry-After"))
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(f"the Kubernetes API did not answer: {type(error).__name__}") from error


def _load_service_account(configuration: Configuration) -> bool:
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        return False
    return True


def _proxy_of_environment(url: str) -> str | None:
    """What ``HTTPS_PROXY``, ``NO_PROXY`` and their like say about an address."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def _error(status: int, body: bytes, retry_after: str | None) -> RollmodelError:
    """What an HTTP error of the API server means to us; the message is the server's own."""
    message = _message(body) or f"the Kubernetes API answered HTTP {status}"
    match status:
        case 401 | 403:
            return Forbidden(message)
        case 404:
            return NotFound(message)
        case 409:
            return Conflict(message)
        case 410:
            return Expired(message)
        case 429 | 500 | 502 | 503 | 504:
            return Unavailable(message, retry_after=_seconds(retry_after))
        case _:
            return Invalid(message)


def _message(body: bytes) -> str | None:
    try:
        status = json.loads(body)
    except ValueError:
        return None
    message = status.get("message") if isinstance(status, dict) else None
    return message if isinstance(message, str) else None


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After`` in seconds, capped; the form with a date is not used by Kubernetes."""
    if retry_after is None or not retry_after.isdecimal():
        return None
    return min(float(retry_after), MAX_RETRY_AFTER)
