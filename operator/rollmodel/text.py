"""Texts of others are data: what pods, MLflow, Prometheus, gateways and field managers say is shown and never acts.

``plain`` stands at the border of status, Events, logs and terminals. Characters that do something take the look of
U+FFFD: control characters with ESC among them (a terminal obeys it), those that turn the direction of writing
(https://www.unicode.org/reports/tr9/, "Trojan Source"), invisible ones, and halves of characters.
"""

from __future__ import annotations

import re

__all__ = ["plain", "redact"]

_ACTS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_ENDS_LINE = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]+")
_ENDS_LINE_ODDLY = re.compile("\r\n|[\x0b\x0c\r\x85\u2028\u2029]")

#: More than this is not searched for credentials: it is left out.
_LONGEST = 65_536

_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s{1,8}[a-z0-9._~+/=-]{8,}"), r"\1 [redacted]"),
    (re.compile(r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}://)[^/\s:@]{0,256}:[^/\s@]{1,1024}@"), r"\1[redacted]@"),
    (
        re.compile(r"(?i)\b(password|passwd|token|secret|api_?key)(\"?'?\s{0,8}[=:]\s{0,8}\"?'?)[^\s\"',&}]+"),
        r"\1\2[redacted]",
    ),
)


def plain(text: str, *, lines: bool = False, mark: str = "\ufffd") -> str:
    """The text without what acts, a ``mark`` in its place; on one line, or with its own ``lines`` (and tabs)."""
    if text.isascii() and text.isprintable():  # as nearly all are
        return text
    parted = _ENDS_LINE_ODDLY.sub("\n", text) if lines else _ENDS_LINE.sub(" ", text)
    return _ACTS.sub(mark, parted)


def redact(text: str) -> str:
    """The text without what looks like a credential. A second net: nothing should say one at all."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… [{len(text) - _LONGEST} characters are left out]"
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text
