"""Prometheus as ``ports.Metrics``, through ``prometheus_api_client``, which by itself is too trusting for evidence.

The library has no timeouts, follows redirects, drops the warnings with which Thanos and Mimir mark partial answers, and
does not look at the type of the result. So it gets a session of ours that does all that before the library sees an
answer, and it runs in threads of its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from rollmodel.adapters.bulkhead import Bulkhead, Lane
from rollmodel.adapters.deadline import HttpSession, TooLarge, read
from rollmodel.adapters.prometheus.access import Access, Login
from rollmodel.adapters.prometheus.answer import read_matrix
from rollmodel.adapters.prometheus.slow import SlowQueries
from rollmodel.errors import Forbidden, Invalid, RollmodelError, Unavailable, Untrustworthy
from rollmodel.ports.prometheus import Series
from rollmodel.slots import Pass, current_pass
from rollmodel.tls import tls_failure

__all__ = ["Prometheus"]

#: The largest answer that is read, in bytes. 11,000 points, Prometheus' own limit, of 50 series are about half of it.
ANSWER_LIMIT = 32 * 2**20
#: Answers of more bytes are read one after the other.
LARGE = 2**20
#: How long a query may wait for its turn, in seconds: longer than a busy moment, shorter than a pass.
QUEUE_SECONDS = 60.0
_SHOWN = 300
_CHUNK = 64 * 2**10
#: What Mimir, Cortex and Loki say to a request without a tenant.
_NO_TENANT = b"no org id"


class Prometheus:
    """Implements :class:`rollmodel.ports.Metrics`. ``timer`` is entered around each query.

    Threads are shared by the namespaces, and by their objects: nobody's queries wait for all of another's.
    """

    def __init__(
        self,
        url: str,
        *,
        login: Login | None = None,
        access: Access | None = None,
        timeout: float = 10.0,
        concurrency: int = 8,
        timer: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._url = url
        self._login = login or Login()
        self._access = access or Access()
        self._timeout = timeout
        self._timer = timer
        self._local = threading.local()
        self._large = threading.Lock()
        self._lanes = Bulkhead("prometheus", threads=concurrency, per_lane=concurrency, kept=0)
        self._slow = SlowQueries(timeout)

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        """Evaluate at start, start + step, .. end (unix seconds)."""
        whose = current_pass() or Pass()
        lane = Lane.to(self._url, whose.tenant or None)
        key, begun = (whose.owner, query), threading.Event()

        def ask() -> Sequence[Series]:
            begun.set()
            return self._ask(query, start, end, step)

        self._slow.check(key)
        try:
            with self._timer():
                series = await self._lanes.run(
                    lane,
                    ask,
                    seconds=self._timeout,
                    total=QUEUE_SECONDS + self._timeout,
                    owner=whose.owner or None,
                )
        except (TimeoutError, _TooSlow):
            if begun.is_set():
                self._slow.timed_out(key)
            raise Unavailable("Prometheus' answer took too long") from None
        self._slow.answered(key)
        return series

    def close(self) -> None:
        """Let go of the threads; those that wait for an answer end with their timeout."""
        self._lanes.close()

    def _ask(self, query: str, start: float, end: float, step: float) -> list[Series]:
        client = self._client()
        client.headers = self._header()
        exact = {"start": start, "end": end, "timeout": f"{self._timeout:g}s"}  # the library would round the times
        found: list[Series] = client.custom_query_range(
            query, datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), str(step), params=exact
        )
        return found

    def _client(self) -> PrometheusConnect:
        """The client of this thread: sessions of ``requests`` do not promise to be shared."""
        if not hasattr(self._local, "client"):
            self._local.client = PrometheusConnect(
                self._url,
                auth=self._login.basic(),
                retry=Retry(0, redirect=0, raise_on_status=False),
                session=_Session(self._timeout, self._access, self._large),
            )
        return self._local.client

    def _header(self) -> dict[str, str]:
        try:
            return {**self._access.headers, **self._login.header()}
        except OSError as error:
            raise Unavailable(f"the token file for Prometheus cannot be read: {error.strerror}") from error


class _TooSlow(Exception):
    """Prometheus itself says that the query took too long."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """As much of ``requests.Response`` as the library looks at."""

    series: list[Series]
    status_code: int = 200

    def json(self) -> Mapping[str, Any]:
        return {"data": {"result": self.series}}


class _Session(HttpSession):
    """Returns only answers that may become evidence; for the others it raises our errors.

    Of large answers one at a time is read by all who share ``large``.
    """

    def __init__(self, timeout: float, access: Access, large: threading.Lock) -> None:
        super().__init__()
        self.trust_env = False  # no proxies, no .netrc
        self.verify, self.cert = access.verify, access.certificate
        self._limit = timeout
        self._large = large

    def request(self, method: str, url: str, **kwargs: Any) -> Any:  # type: ignore[override]
        kwargs |= {"timeout": self._limit, "allow_redirects": False, "stream": True}
        try:
            with super().request(method, url, **kwargs) as response:
                if response.status_code != 200:
                    raise _error(response.status_code, read(response, ANSWER_LIMIT))
                with ExitStack() as turn:
                    return _Answer(read_matrix(self._chunks(response, turn)))
        except TooLarge:
            message = f"Prometheus' answer is larger than {ANSWER_LIMIT >> 20} MiB: ask for fewer series"
            raise Untrustworthy(message) from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def _chunks(self, response: requests.Response, turn: ExitStack) -> Iterator[bytes]:
        """The body. Who reads a large one first waits for ``turn``; the server waits meanwhile. Raises TooLarge."""
        size, waited = 0, False
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > ANSWER_LIMIT:
                raise TooLarge
            if size > LARGE and not waited:
                waited = True
                if not self._large.acquire(timeout=self._limit):
                    raise Unavailable("other large answers of Prometheus are being read")
                turn.callback(self._large.release)
            yield chunk


def _unavailable(error: Exception) -> Unavailable:
    failure = tls_failure(error)
    if failure is None:
        return Unavailable(f"Prometheus did not answer: {type(error).__name__}")
    settings = (
        "ROLLMODEL_PROMETHEUS_CA_FILE says whom to trust, .._CLIENT_CERTIFICATE_FILE and .._CLIENT_KEY_FILE who asks"
    )
    return Unavailable(f"no TLS connection to Prometheus ({failure}): {settings}", reason="TlsFailed")


def _error(status: int, body: bytes) -> RollmodelError:
    if status in {400, 401} and _NO_TENANT in body[:_SHOWN].lower():
        message = "Prometheus asks for a tenant: set ROLLMODEL_PROMETHEUS_HEADERS, e.g. to `X-Scope-OrgID: <tenant>`"
        return Forbidden(f"{message} (HTTP {status}, no org id)", reason="NoTenant")
    message = str(_document(body).get("error") or "")[:_SHOWN] or f"HTTP {status}"
    match status:
        case 400 | 422:
            return Invalid(f"Prometheus refused the query: {message}")
        case 401 | 403:
            return Forbidden(f"Prometheus refused the login (HTTP {status})")
        case 503 if "timed out" in message:
            raise _TooSlow
        case 429 | 500 | 502 | 503 | 504:
            return Unavailable(f"Prometheus could not answer: {message}")
        case _:
            return Invalid(f"no Prometheus API at the configured address: it answered HTTP {status}")


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
