"""Where the operator goes at all, of the addresses that Secrets of users name."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from rollmodel.cloud import is_of_cloud
from rollmodel.errors import Forbidden

__all__ = ["check_host"]


def check_host(secret: str, url: str, patterns: Sequence[str]) -> None:
    """Raises Forbidden where none of the patterns fits the host; no patterns: any but those of a cloud's inside."""
    host = urlsplit(url).hostname or ""
    if is_of_cloud(host):
        raise Forbidden(
            f"Secret {secret!r} names {host}, an address inside of the cloud, where the operator does not go",
            reason="ConnectionForbidden",
        )
    if patterns and not any(fnmatchcase(host, pattern.lower()) for pattern in patterns):
        raise Forbidden(
            f"Secret {secret!r} names host {host!r}, and this operator goes only to {', '.join(patterns)}"
            " (ROLLMODEL_CONNECTION_HOSTS)",
            reason="ConnectionForbidden",
        )
