"""Webhooks as ``ports.Notifier``: one POST of a CloudEvent or of a line for a chat, signed, within seconds.

The address is a user's, and often a secret by itself: no message shows more than its host. Redirects are not followed,
the answer is not read, and nothing of the operator's own goes there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from rollmodel.adapters.bulkhead import Bulkhead, Lane
from rollmodel.adapters.deadline import HttpSession
from rollmodel.errors import Invalid, Unavailable
from rollmodel.ports.webhooks import Webhook
from rollmodel.tls import tls_failure, trusting

__all__ = ["SIGNATURE", "Webhooks", "signature"]

SIGNATURE = "X-Rollmodel-Signature-256"
_THREADS, _PER_HOST = 4, 2
_QUEUE_SECONDS = 30.0
_OK, _ENOUGH = 200, 300
_TOO_MANY, _SERVER_ERROR = 429, 500


def signature(key: str, body: bytes) -> str:
    """``sha256=<hex>``: HMAC-SHA256 of the body. Its ``id`` and ``time`` are signed with it, against replay."""
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


class Webhooks:
    """Implements :class:`rollmodel.ports.Notifier`, in a few threads that namespaces share."""

    def __init__(
        self, *, timeout: float = 5.0, timer: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self._timeout = timeout
        self._timer = timer
        self._lanes = Bulkhead("webhook", threads=_THREADS, per_lane=_PER_HOST, kept=0)

    async def send(self, hook: Webhook, event: Mapping[str, Any]) -> None:
        """POST it once. Raises Invalid (4xx, 3xx), Unavailable (no answer, 429, 5xx)."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            with self._timer():
                await self._lanes.run(
                    Lane.to(hook.url, hook.namespace),
                    lambda: _post(hook, body, self._timeout),
                    seconds=self._timeout,
                    total=_QUEUE_SECONDS + self._timeout,
                )
        except TimeoutError:
            raise Unavailable(f"the webhook at {_host(hook)} took too long") from None

    def close(self) -> None:
        """Let go of the threads."""
        self._lanes.close()


class _Token(AuthBase):
    """The token of the Secret, or none; never a login that the environment or a ``.netrc`` holds."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _post(hook: Webhook, body: bytes, timeout: float) -> None:
    headers = {"Content-Type": hook.content_type, "User-Agent": "rollmodel"}
    if hook.key:
        headers[SIGNATURE] = signature(hook.key, body)
    try:
        with (
            HttpSession(trusting(hook.ca) if hook.ca else None, guarded=True) as session,
            session.post(
                hook.url,
                data=body,
                headers=headers,
                auth=_Token(hook.token),
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            _check(hook, response.status_code)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        why = tls_failure(error) or "cannot be reached"
        raise Unavailable(f"the webhook at {_host(hook)}: {why}") from None


def _check(hook: Webhook, status: int) -> None:
    if _OK <= status < _ENOUGH:
        return
    message = f"the webhook at {_host(hook)} answered {status}"
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        raise Unavailable(message)
    raise Invalid(message)


def _host(hook: Webhook) -> str:
    return urlsplit(hook.url).hostname or ""
