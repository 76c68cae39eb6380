"""Answers of the API server: whole ones of bounded size, and what its errors mean to us."""

from __future__ import annotations

import json

import aiohttp

from rollmodel.errors import Conflict, Forbidden, Invalid, NotFound, RollmodelError, Unavailable

__all__ = ["ANSWER_LIMIT", "MAX_RETRY_AFTER", "Expired", "TooLarge", "error_of", "whole"]

#: The largest answer that is read, in bytes: five of the largest objects, and ten times as much once it is parsed.
#: Whoever may create objects may make large ones, and the API server has no limit for a list of them.
ANSWER_LIMIT = 8 * 2**20

#: The longest time that an answer may ask us to stay away, in seconds.
MAX_RETRY_AFTER = 60.0


class TooLarge(Unavailable):
    """An answer is larger than what is read of one."""

    default_reason = "AnswerTooLarge"


class Expired(Conflict):
    """HTTP 410: the resourceVersion to continue from is too old; list again."""

    default_reason = "Expired"


async def whole(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises TooLarge, and reads no further."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise TooLarge(f"an answer of the Kubernetes API is larger than {ANSWER_LIMIT >> 20} MiB")
    return bytes(body)


def error_of(status: int, body: bytes, retry_after: str | None) -> RollmodelError:
    """What an HTTP error of the API server means to us; the message is the server's own."""
    message = _message(body) or f"the Kubernetes API answered HTTP {status}"
    match status:
        case 401 | 403:
            return Forbidden(message)
        case 404:
            return NotFound(message)
        case 409:
            return Conflict(message)
        case 410:
            return Expired(message)
        case 429 | 500 | 502 | 503 | 504:
            return Unavailable(message, retry_after=_seconds(retry_after))
        case _:
            return Invalid(message)


def _message(body: bytes) -> str | None:
    try:
        status = json.loads(body)
    except ValueError:
        return None
    message = status.get("message") if isinstance(status, dict) else None
    return message if isinstance(message, str) else None


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After`` in seconds, capped; the form with a date is not used by Kubernetes."""
    if retry_after is None or not retry_after.isdecimal():
        return None
    return min(float(retry_after), MAX_RETRY_AFTER)
