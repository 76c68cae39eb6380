"""HTTP as every store that speaks it uses it: one client, and one meaning for each kind of failure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import HTTPError

from rollmodel.cloud import leads_to_cloud
from rollmodel.errors import Forbidden, Invalid, NotFound, Unavailable
from rollmodel.serving.sources import CHUNK_BYTES, Body
from rollmodel.tls import tls_failure, trusting

__all__ = ["Client", "body_of", "login", "redact_url"]

TIMEOUT_SECONDS = 60.0
"""Longest silence of a store, not the length of a download."""


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def login(env: Mapping[str, str], prefix: str) -> AuthBase | None:
    """How to log in: ``<prefix>_USERNAME`` and ``<prefix>_PASSWORD`` where both are set, else ``<prefix>_TOKEN``.

    It is an Authorization header, which requests takes off again where a redirect leads to another host.
    """
    user, password = env.get(f"{prefix}_USERNAME"), env.get(f"{prefix}_PASSWORD")
    if user and password:
        return HTTPBasicAuth(user.encode(), password.encode())
    token = env.get(f"{prefix}_TOKEN")
    return _Bearer(token) if token else None


class _Trusting(HTTPAdapter):
    """Also believes the servers of a private authority."""

    def __init__(self, ca: str) -> None:
        self._trust: dict[str, Any] = {"ssl_context": trusting(ca)}
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs | self._trust)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return super().proxy_manager_for(*args, **kwargs | self._trust)


class _Session(requests.Session):
    """Follows redirects, but to no address that only machines of a cloud reach: a server could have us read there."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where an answer sends us, if anywhere. Raises Forbidden."""
        target: str | None = super().get_redirect_target(resp)
        if target is not None and leads_to_cloud(urlsplit(urljoin(resp.url, target)).hostname or ""):
            resp.close()
            message = f"{redact_url(resp.url)} redirects to an address inside of the cloud"
            raise Forbidden(message, reason="UnsafeRedirect")
        return target


class Client:
    """Connections to one store, shared by threads. Who downloads also retries.

    ``ca`` are certificates of private authorities (PEM), trusted beside those that ``verify`` says;
    ``headers`` go with each request.
    """

    def __init__(
        self,
        *,
        auth: AuthBase | None = None,
        verify: bool | str = True,
        certificate: str | None = None,
        ca: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._session = _Session()
        if ca:
            self._session.mount("https://", _Trusting(ca))
        self._session.auth = auth
        self._session.verify = verify
        self._session.cert = certificate
        self._session.headers.update(headers or {})
        # The bytes as stored: a transparent gzip would change both length and digest.
        self._session.headers["Accept-Encoding"] = "identity"

    @contextmanager
    def get(
        self,
        url: str,
        *,
        what: str,
        offset: int = 0,
        etag: str | None = None,
        params: dict[str, str] | None = None,
    ) -> Iterator[requests.Response]:
        """A streamed, successful answer, from byte ``offset`` on where the server honours ranges.

        With ``etag``, from the offset on only of that content, else all of the present one (RFC 9110, section 13.1.5).
        ``what`` names the thing that is asked for, without secrets. Raises Unavailable, also for a transfer that
        breaks while the caller reads, Forbidden, NotFound and Invalid.
        """
        headers = {"Range": f"bytes={offset}-"} | ({"If-Range": etag} if etag else {}) if offset else {}
        try:
            with self._session.get(url, headers=headers, params=params, stream=True, timeout=TIMEOUT_SECONDS) as answer:
                _check_status(answer, what)
                yield answer
        except (requests.RequestException, HTTPError) as error:
            why = tls_failure(error) or type(error).__name__
            raise Unavailable(f"{what} cannot be reached ({why})", reason="Unreachable") from error

    def json(self, url: str, *, what: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        """A whole answer that is a JSON object. Raises Invalid for anything else."""
        with self.get(url, what=what, params=params) as answer:
            content = answer.content
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Invalid(f"the answer for {what} is not JSON") from error
        if not isinstance(found, dict):
            raise Invalid(f"the answer for {what} is not a JSON object")
        return found


def body_of(answer: requests.Response, offset: int) -> Body:
    """The bytes of an answer: from ``offset`` on if it is a partial one (RFC 9110, section 14), else from 0."""
    return Body(offset if answer.status_code == 206 else 0, _arriving(answer))


def _arriving(answer: requests.Response) -> Iterator[bytes]:
    """The bytes as they come: to wait for a whole chunk would hide how slow a store is."""
    return iter(lambda: answer.raw.read1(CHUNK_BYTES, decode_content=False), b"")


def redact_url(url: str) -> str:
    """An address fit for messages: without user, password, query (which may be a signature) and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _check_status(answer: requests.Response, what: str) -> None:
    status = answer.status_code
    if status < 400:
        return
    if status == 403 and "Host header" in answer.text:
        raise Forbidden(
            f"MLflow refuses the host name by which {what} is asked for; "
            "add it, with its port, to the server's --allowed-hosts (MLFLOW_SERVER_ALLOWED_HOSTS)",
            reason="HostNotAllowed",
        )
    if status in {401, 403}:
        raise Forbidden(f"no permission to read {what} (HTTP {status})", reason="Unauthorized")
    if status in {404, 410}:
        raise NotFound(f"{what} does not exist (HTTP {status})")
    if status >= 500 or status in {408, 425, 429}:
        raise Unavailable(f"{what} cannot be read now (HTTP {status})", reason="Unreachable")
    raise Invalid(f"the request for {what} was refused (HTTP {status})")
