"""HTTP to the Kubernetes API server: plain dicts in and out, errors of ours.

``kubernetes.aio`` brings login, TLS and token refresh. Requests go through a session of our own: its client copies each
body twice before it is sent, and its models cost six times the CPU and fail on answers that they do not expect.
"""

from __future__ import annotations

import json
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from rollmodel import __version__
from rollmodel.adapters.kubernetes.answers import Expired, TooLarge, error_of, whole
from rollmodel.adapters.kubernetes.kubeconfig import readable
from rollmodel.errors import Unavailable

__all__ = [
    "APPLY",
    "JSON_PATCH",
    "MERGE_PATCH",
    "METADATA",
    "TABLE",
    "ApiServer",
    "Expired",
    "TooLarge",
    "use_small_buffers",
]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
#: A list of which only the metadata is sent.
METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
#: One object as kubectl shows it in a line. Metadata would not do for Secrets: kubectl apply keeps all of it there.
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

#: How many objects are asked for at once, and how many of a list are read at all.
PAGE_ITEMS, MOST_ITEMS = 500, 5000

#: A line of a watch holds one object, which may be large.
_BUFFER = 2**21

#: What each TLS connection reads into, in bytes: two records. asyncio has 256 KiB, for dozens of them.
_TLS_BUFFER = 2**15


def use_small_buffers() -> None:
    """For TLS connections of this process that are made from now on."""
    SSLProtocol.max_size = min(SSLProtocol.max_size, _TLS_BUFFER)


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
        self._session: aiohttp.ClientSession | None = None
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(10.0, timeout))

    @classmethod
    async def connect(cls, kubeconfig: str | None = None, *, connections: int = 32) -> ApiServer:
        """Log in with this kubeconfig, or else with the pod's service account, or else with the usual kubeconfig.

        At most so many ``connections`` are open at once, the watches among them. Raises Invalid without a login.
        """
        # Sessions do not trust the environment, which costs a thread per request that looks for proxies and a .netrc.
        configuration = Configuration(connection_pool_maxsize=connections)
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
        """A session of its own with the same login, for Kopf. A connection costs TLS buffers: count them."""
        connector = aiohttp.TCPConnector(limit=connections, ssl=self._client.rest_client.ssl_context)
        settings = self._client.configuration
        return aiohttp.ClientSession(
            connector=connector,
            middlewares=(self._authorise,),
            proxy=settings.proxy,
            headers={"User-Agent": f"rollmodel/{__version__}"},
        )

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
        if self._session is not None:
            await self._session.close()
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
            answer: dict[str, Any] = json.loads(await whole(response))
            return answer

    async def pages(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        keep: Callable[[dict[str, Any]], dict[str, Any]] = lambda item: item,
    ) -> list[dict[str, Any]]:
        """The objects of a list, read page by page; of a list without an end the first ``MOST_ITEMS``.

        Of each only what ``keep`` leaves of it is held.
        """
        items: list[dict[str, Any]] = []
        async with aclosing(self.paged(path, query)) as pages:
            async for page in pages:
                items += map(keep, page["items"] or ())
                if len(items) >= MOST_ITEMS:
                    break
        return items

    async def paged(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        limit: int = PAGE_ITEMS,
        accept: str = "application/json",
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The pages of a list. Where one is too large, fewer objects are asked for at once, down to a single one."""
        asked = dict(query or {})
        while True:
            try:
                page = await self.request("GET", path, query={**asked, "limit": str(limit)}, accept=accept)
            except TooLarge:
                if limit == 1:
                    raise
                limit = max(1, limit // 8)
                asked.pop("resourceVersion", None)  # with "0" the API server does not mind the limit
                continue
            yield page
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            asked.pop("resourceVersion", None)
            asked["continue"] = token

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
        settings = self._client.configuration
        if self._session is None:
            self._session = self.session(connections=settings.connection_pool_maxsize)
        request = self._session.request(
            call.method,
            f"{settings.host}{call.path}{_query(call.query)}",
            data=None if call.body is None else json.dumps(call.body).encode(),
            headers={"Accept": call.accept, "Content-Type": call.content_type},
            timeout=limits,
            read_bufsize=_BUFFER,
            proxy_headers=settings.proxy_headers,
            server_hostname=settings.tls_server_name,
        )
        try:
            async with request as response:
                if response.status >= 400:
                    raise error_of(response.status, await response.read(), response.headers.get("Retry-After"))
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(f"the Kubernetes API did not answer: {type(error).__name__}") from error


def _query(query: Mapping[str, str]) -> str:
    return f"?{urlencode(query, quote_via=quote)}" if query else ""


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
