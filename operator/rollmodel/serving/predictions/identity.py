"""The id of a prediction: the client's own, if it sends a valid one, else a new one. Each answer carries it.

A request of several rows has one id; its rows are called ``<id>:0``, ``<id>:1``, ...
"""

from __future__ import annotations

import os
import re
import zlib
from contextvars import ContextVar

__all__ = ["HEADER", "current", "is_sampled", "prediction_id", "row_ids"]

HEADER = b"x-prediction-id"
_VALID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

current: ContextVar[str] = ContextVar("prediction_id", default="")
"""The id of the request that this thread answers."""


def prediction_id(headers: list[tuple[bytes, bytes]]) -> str:
    """Of a request with these headers. An id that is not valid is not repeated to anybody."""
    for name, value in headers:
        if name == HEADER and _VALID.fullmatch(value):
            return value.decode("ascii")
    return os.urandom(12).hex()


def row_ids(request: str, rows: int) -> list[str]:
    """The ids of the rows of a request."""
    return [request] if rows == 1 else [f"{request}:{index}" for index in range(rows)]


def is_sampled(request: str, ratio: float) -> bool:
    """Whether a request is written: always the same for the same id, in each pod and service."""
    return ratio >= 1.0 or zlib.crc32(request.encode()) < ratio * 2**32
