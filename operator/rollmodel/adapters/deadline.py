"""Deadlines for synchronous clients: requests that are over in time as a whole, however slowly the answer trickles.

The time-outs of ``requests`` are for each read, so one byte now and then beats them. Here the sockets that a piece of
work uses are known, and are shut down from outside when its time is over: whatever read or write blocks, ends.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from rollmodel.cloud import is_of_cloud

__all__ = ["Deadline", "HttpSession", "TooLarge", "read"]

T = TypeVar("T")

_CHUNK = 64 * 2**10
#: For so many servers a session remembers what the environment says of them.
_SERVERS = 64
_here = threading.local()


class TooLarge(Exception):
    """An answer is larger than its reader wants it."""


class Deadline:
    """The end of one piece of work, which another thread brings about."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._running = True
        self.passed = False

    def run(self, work: Callable[[], T]) -> T:
        """Do the work in this thread. Raises TimeoutError where it is over too late: what it saw may be cut off."""
        try:
            with self._watched():
                result = work()
        except Exception as error:
            if self.passed:
                raise TimeoutError from error
            raise
        if self.passed:
            raise TimeoutError
        return result

    def cut(self) -> None:
        """End it now, from any thread. Work that is done already is not touched."""
        with self._lock:
            if not self._running:
                return
            self.passed = True
            for used in self._sockets:
                _shut(used)

    def attach(self, used: socket.socket | None) -> None:
        """The work uses this socket now. Raises TimeoutError where it is over."""
        with self._lock:
            if self.passed:
                raise TimeoutError
            if used is not None:
                self._sockets.add(used)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        _here.deadline = self
        try:
            yield
        finally:
            _here.deadline = None
            with self._lock:
                self._running = False
                self._sockets.clear()


class HttpSession(requests.Session):
    """A session that sees to it that deadlines hold, and that keeps no cookies: logins come with each request.

    ``trust`` is whom to believe on TLS connections, if not only the public authorities. ``guarded``: somebody else has
    named the host, so it may not be, or resolve to, an address inside of the cloud (see :mod:`rollmodel.cloud`).
    """

    def __init__(self, trust: ssl.SSLContext | None = None, *, guarded: bool = False) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._adapter = _Adapter(trust, _GUARDED if guarded else _POOLS)
        self._merged: dict[tuple[Any, ...], dict[str, Any]] = {}

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Proxies and authorities of the environment, found out once for each server: it is read as a whole."""
        here = urlsplit(str(url))
        key = here.scheme, here.netloc, *sorted((proxies or {}).items()), stream, verify, cert
        if key not in self._merged:
            if len(self._merged) >= _SERVERS:
                self._merged.clear()
            self._merged[key] = {**super().merge_environment_settings(url, proxies, stream, verify, cert)}
        return {name: dict(one) if isinstance(one, dict) else one for name, one in self._merged[key].items()}

    def get_adapter(self, url: str | bytes) -> HTTPAdapter:  # noqa: ARG002
        """Ours, whatever is mounted."""
        return self._adapter


def read(response: requests.Response, limit: int) -> bytes:
    """The body, decoded. Raises TooLarge above ``limit`` bytes, and reads no further."""
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise TooLarge
    return bytes(body)


def _shut(used: socket.socket) -> None:
    """Wake whoever reads or writes. Not as TLS does it: that would take the connection away under the reader."""
    with suppress(OSError):
        socket.socket.shutdown(used, socket.SHUT_RDWR)


def _attach(used: socket.socket | None) -> None:
    """This thread's work goes on with this socket, or with one that is still to come. TimeoutError if it is over."""
    deadline: Deadline | None = getattr(_here, "deadline", None)
    if deadline is not None:
        deadline.attach(used)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        _attach(None)
        super().connect()
        _attach(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _attach(self.sock)
        super().request(*args, **kwargs)


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _GuardedConnection(_Connection):
    def _new_conn(self) -> socket.socket:
        return _guarded(self, super()._new_conn())


class _GuardedSecureConnection(_GuardedConnection, _SecureConnection):
    """The same over TLS."""


def _guarded(connection: HTTPConnection, used: socket.socket) -> socket.socket:
    """The socket, before anything is sent. What a name resolves to is known for certain only now."""
    if is_of_cloud(str(used.getpeername()[0])):
        used.close()
        raise NewConnectionError(connection, "it leads inside of the cloud")
    return used


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _GuardedPool(HTTPConnectionPool):
    ConnectionCls = _GuardedConnection


class _GuardedSecurePool(HTTPSConnectionPool):
    ConnectionCls = _GuardedSecureConnection


_Pools = Mapping[str, type[HTTPConnectionPool]]
_POOLS: _Pools = {"http": _Pool, "https": _SecurePool}
_GUARDED: _Pools = {"http": _GuardedPool, "https": _GuardedSecurePool}


class _Adapter(HTTPAdapter):
    """Makes connections of ours; nothing is tried again."""

    def __init__(self, trust: ssl.SSLContext | None, pools: _Pools) -> None:
        self._trust: dict[str, Any] = {"ssl_context": trust} if trust else {}
        self._pools = pools
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs | self._trust)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs | self._trust)
        manager.pool_classes_by_scheme = self._pools
        return manager
