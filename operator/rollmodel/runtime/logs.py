"""Logs to standard error, one line per record, as JSON or as text, without credentials."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from rollmodel.text import plain, redact

__all__ = ["configure"]
#: Too talkative below this level.
_QUIET = {
    "kopf": logging.WARNING,
    "kopf.objects": logging.ERROR,
    "aiohttp": logging.WARNING,
    "urllib3": logging.ERROR,
    "mlflow": logging.WARNING,
}


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line for the message; an exception follows on lines of its own, which begin with a space."""
        text, newline, more = super().format(record), "", ""
        if record.exc_info or record.stack_info:
            bare = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None, "stack_info": None})
            head = super().format(bare)
            newline, more = "\n", plain(text[len(head) :].strip("\n"), lines=True).replace("\n", "\n ")
            text = head
        return redact(plain(text.replace("\n", "\\n")) + newline + (f" {more}" if more else ""))


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
        return json.dumps(entry)


def configure(*, form: str, level: str) -> None:
    """Send everything to standard error in this form (``json`` or ``text``), from this level up."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))
