"""Logs to standard error, one line per record, as JSON or as text, without credentials."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

__all__ = ["configure"]

_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), r"\1 [redacted]"),
    (re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@"), r"\1[redacted]@"),
    (re.compile(r"(?i)\b(password|token|secret|api_?key)(\"?'?\s*[=:]\s*\"?'?)[^\s\"',&}]+"), r"\1\2[redacted]"),
)

#: Too talkative below this level.
_QUIET = {
    "kopf": logging.WARNING,
    "kopf.objects": logging.ERROR,
    "aiohttp": logging.WARNING,
    "urllib3": logging.ERROR,
    "mlflow": logging.WARNING,
}


def redact(text: str) -> str:
    """The text without what looks like a credential. A second net: nothing should put one into a log at all."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def configure(*, form: str, level: str) -> None:
    """Send everything to standard error in this form (``json`` or ``text``), from this level up."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))
