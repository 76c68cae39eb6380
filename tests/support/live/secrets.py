"""What somebody finds out who may read everything but Secrets, and which passwords are in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote

from rollmodel.errors import NotFound

from tests.support.live.objects import KINDS, Change, NamespaceObjects

__all__ = ["basic", "found", "readable", "stored"]

#: Keys of a connection Secret that may be seen by anybody.
_OPEN = {"url", "username"}


async def readable(objects: NamespaceObjects) -> str:
    """All objects of a namespace but its Secrets, as text."""
    kinds = [kind for kind in KINDS if kind not in {"Secret", "Namespace"}]
    return json.dumps([await _all(objects, kind) for kind in kinds])


async def _all(objects: NamespaceObjects, kind: str) -> list[Change]:
    """Objects of a kind; none where the add-on that brings it is not installed."""
    try:
        return await objects.list(kind)
    except NotFound:
        return []


async def stored(objects: NamespaceObjects) -> list[tuple[str, str]]:
    """What the Secrets of a namespace keep: user name (empty where there is none) and password or token."""
    data = [secret.get("data", {}) for secret in await objects.list("Secret")]
    texts = [{key: base64.b64decode(value).decode() for key, value in one.items()} for one in data]
    return [(one.get("username", ""), text) for one in texts for key, text in one.items() if key not in _OPEN]


def basic(user: str, password: str) -> str:
    """A login as basic authentication sends it (RFC 7617)."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def found(text: str, secrets: Iterable[tuple[str, str]]) -> list[str]:
    """The passwords that the text gives away: as they are, or in one of the forms in which they travel."""
    return [password for user, password in secrets if any(form in text for form in _forms(user, password))]


def _forms(user: str, password: str) -> set[str]:
    return {password, quote(password), base64.b64encode(password.encode()).decode(), basic(user, password)}
