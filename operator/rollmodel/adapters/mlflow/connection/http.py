"""Requests to MLflow: one login, no redirects, no second tries, answers of bounded size, and deadlines that hold."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from rollmodel.adapters.deadline import HttpSession, TooLarge, read
from rollmodel.adapters.mlflow.connection.client import basic, host_of
from rollmodel.errors import Invalid, Unavailable
from rollmodel.ports.registry import Connection
from rollmodel.tls import tls_failure, trusting

__all__ = ["Connector", "Requests"]

#: The largest answer that is read, in bytes. A run with 1,000 params of the greatest length is about half of it.
ANSWER_LIMIT = 16 * 2**20
#: How many authorities are remembered with their open sockets.
_SESSIONS = 64
#: How long what the client says about itself is believed, in seconds: a plugin of MLflow may change its mind.
_CLIENT_SECONDS = 60.0


class Requests:
    """Talks to one server. ``timeout`` is for connecting and for each read, in seconds; a Deadline bounds the whole.

    No request begins after ``until`` (``time.monotonic``): then it raises Unavailable.
    """

    def __init__(self, connection: Connection, session: requests.Session, timeout: float, until: float) -> None:
        self.connection = connection
        self._session = session
        self._timeout = timeout
        self._until = until

    def ask(
        self, method: str, endpoint: str, *, params: Mapping[str, Any] | None = None, json: Any = None
    ) -> requests.Response:
        """The whole answer, whatever its status. Raises Unavailable where there is none, Invalid if it is too large."""
        try:
            with self._send(method, endpoint, params=params, json=json) as response:
                answer = requests.Response()
                answer.status_code, answer.encoding = response.status_code, "utf-8"
                answer.raw = BytesIO(read(response, ANSWER_LIMIT))
                return answer
        except TooLarge:
            message = f"an answer of MLflow at {host_of(self.connection)} is larger than {ANSWER_LIMIT >> 20} MiB"
            raise Invalid(message, reason="AnswerTooLarge") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _unavailable(self.connection, error) from error

    def stream(self, endpoint: str) -> AbstractContextManager[requests.Response]:
        """An answer whose body is still to be read. Raises what ``requests`` raises, also while it is read."""
        return self._send("GET", endpoint)

    def _send(self, method: str, endpoint: str, **kwargs: Any) -> requests.Response:
        if time.monotonic() > self._until:
            raise Unavailable(f"MLflow at {host_of(self.connection)} is too slow")
        return self._session.request(
            method,
            f"{self.connection.url.rstrip('/')}{endpoint}",
            headers=_headers(self.connection),
            auth=_Login(self.connection),
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
            **kwargs,
        )


class Connector:
    """Gives each connection its requests.

    Sockets are kept open, and shared by connections that trust the same authorities; logins are not shared, and the
    operator's own connection has sockets of its own.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._sessions: OrderedDict[tuple[str | None, bool], HttpSession] = OrderedDict()

    def __call__(self, connection: Connection, *, until: float = math.inf) -> Requests:
        """Requests to this connection's server, of which none begins after ``until`` (``time.monotonic``)."""
        session = self._session(connection.ca, guarded=connection.namespace is not None)
        return Requests(connection, session, self._timeout, until)

    def close(self) -> None:
        """Close the sockets that nobody uses."""
        for session in self._sessions.values():
            session.close()

    def _session(self, ca: str | None, *, guarded: bool) -> HttpSession:
        key = ca, guarded
        if key not in self._sessions:
            self._sessions[key] = HttpSession(trusting(ca) if ca else None, guarded=guarded)
            if len(self._sessions) > _SESSIONS:
                self._sessions.popitem(last=False)  # not closed: somebody may read from it
        self._sessions.move_to_end(key)
        return self._sessions[key]


class _Login(AuthBase):
    """The login of a connection, or none; never one that the environment or a ``.netrc`` holds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        here = self._connection
        if here.username and here.password:
            request.headers["Authorization"] = f"Basic {basic(here)}"
        elif here.token:
            request.headers["Authorization"] = f"Bearer {here.token}"
        return request


def _unavailable(connection: Connection, error: Exception) -> Unavailable:
    failure, host = tls_failure(error), host_of(connection)
    if failure is None:
        return Unavailable(f"MLflow at {host} did not answer")
    whose = "key `ca` of the connection's Secret" if connection.namespace else "ROLLMODEL_REGISTRY_CA_FILE"
    return Unavailable(
        f"no TLS connection to MLflow at {host} ({failure}); a private authority is named by {whose}",
        reason="TlsFailed",
    )


class _Client:
    """What MLflow's client says about itself. To know it, it searches the disk for Databricks, Spark and IPython."""

    def __init__(self) -> None:
        self._said: tuple[float, dict[str, str]] | None = None

    def headers(self) -> dict[str, str]:
        """As they were a minute ago at most."""
        from mlflow.tracking.request_header.registry import resolve_request_headers  # noqa: PLC0415 - heavy

        said, now = self._said, time.monotonic()
        if said is None or now - said[0] > _CLIENT_SECONDS:
            said = self._said = now, resolve_request_headers()
        return said[1]


_client = _Client()


def _headers(connection: Connection) -> dict[str, str]:
    """What the client says about itself, and the workspace; the environment's is for the operator's own connection."""
    from mlflow.utils.workspace_context import get_request_workspace  # noqa: PLC0415 - heavy
    from mlflow.utils.workspace_utils import WORKSPACE_HEADER_NAME  # noqa: PLC0415

    headers = _client.headers()
    workspace = connection.workspace or (get_request_workspace() if connection.namespace is None else None)
    return {WORKSPACE_HEADER_NAME: workspace, **headers} if workspace else {**headers}
