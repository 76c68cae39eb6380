"""What a shared Prometheus asks of its clients: HTTP headers (a tenant), and label matchers (which cluster is ours)."""

from __future__ import annotations

import re

__all__ = ["http_headers", "label_matchers"]

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
#: Headers that the request itself or the login decides.
_OURS = {"authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"}

_MATCHER = re.compile(r'\s*[A-Za-z_][A-Za-z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\[abfnrtv\\"])*"\s*')


def http_headers(text: str) -> dict[str, str]:
    """Headers, one a line: ``X-Scope-OrgID: team-a``. Raises ValueError, which repeats no value."""
    headers: dict[str, str] = {}
    for number, line in enumerate((line for line in text.splitlines() if line.strip()), start=1):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _NAME.fullmatch(name) or not _PRINTABLE.fullmatch(value):
            raise ValueError(f"header {number} must be `Name: value` on a line of its own, in printable ASCII")
        if name.lower() in _OURS:
            raise ValueError(f"header {name} cannot be set here; a login has settings of its own")
        headers[name] = value
    return headers


def label_matchers(text: str) -> str:
    """PromQL matchers such as ``cluster="eu-1",replica!="b"``, without spaces around them. Raises ValueError."""
    found: list[str] = []
    end = 0
    while end < len(text):
        matcher = _MATCHER.match(text, end)
        if matcher is None or (matcher.end() < len(text) and text[matcher.end()] != ","):
            raise ValueError('must be PromQL matchers separated by commas, such as cluster="eu-1",replica!="b"')
        found.append(matcher.group().strip())
        end = matcher.end() + 1
    return ",".join(found)
