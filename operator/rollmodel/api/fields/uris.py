"""Addresses of files, checked before anything fetches them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from rollmodel.api.schema import Rule

__all__ = ["Uri", "scheme_rule", "server_url"]

#: An address without credentials and without ``..``. Which schemes are allowed is said where it is used.
Uri = Annotated[
    str,
    Field(min_length=1, max_length=2048),
    Rule(
        "!self.matches('^[a-z0-9+-]+://[^/]*@[^/]*(/|$)') || self.startsWith('hf://')",
        "must not contain a user or a password; `connectionRef` names a Secret for them",
    ),
    Rule(r"!self.matches('(^|/)[.][.](/|$)|\\s')", "must not contain '..' as a path element, or spaces"),
]


def scheme_rule(schemes: Sequence[str]) -> Rule:
    """The address begins with one of these, e.g. ``s3://``, and something follows."""
    quoted = [f"'{scheme}'" for scheme in schemes]
    return Rule(
        f"self.matches('^({'|'.join(schemes)})[^/]')".replace("+", "[+]"),
        f"must begin with {', '.join(quoted[:-1])} or {quoted[-1]}, and name something there",
    )


def server_url(text: str) -> str:
    """The address of an HTTP server, without spaces around it and without a slash at the end.

    Raises ValueError unless it is ``http(s)://host[:port][/path]`` without a login.
    """
    url = text.strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be http(s)://host[:port][/path], with the login in settings of its own")
    return url
