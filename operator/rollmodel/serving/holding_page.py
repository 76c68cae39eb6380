"""``rollmodel hold``: answers each request with 503 and ``Retry-After`` while the pods of a model are asleep.

It reads no more of a request than its length, so that a connection can be used again, and knows nothing of the model.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Sequence

__all__ = ["main", "serve"]

#: A connection that says nothing for so long is closed, in seconds; so is one whose head is not complete by then.
_IDLE_SECONDS = 60.0
_HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024


async def serve(host: str, port: int, retry_after: int) -> asyncio.Server:
    """Listen, and answer; ``retry_after`` in seconds."""
    answer = _answer(retry_after)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            again = True
            while again:
                again = await _took_request(reader)
                writer.write(answer)
                await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went, or is none
        finally:
            writer.close()

    return await asyncio.start_server(talk, host, port, limit=_HEAD_BYTES)


async def _took_request(reader: asyncio.StreamReader) -> bool:
    """Whether the connection can be used again after an answer: a whole request came."""
    async with asyncio.timeout(_IDLE_SECONDS):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = [line.partition(":") for line in head.split("\r\n")[1:]]
    fields = {name.strip().lower(): value.strip().lower() for name, _, value in lines}
    if "expect" in fields:  # the body comes only if we want it
        return False
    async with asyncio.timeout(_IDLE_SECONDS):
        if "transfer-encoding" in fields:
            await _skip_chunks(reader)
        else:
            await _skip(reader, int(fields.get("content-length", "0")))
    return fields.get("connection") != "close"


async def _skip(reader: asyncio.StreamReader, left: int) -> None:
    while left > 0:
        part = await reader.readexactly(min(left, _CHUNK))
        left -= len(part)


async def _skip_chunks(reader: asyncio.StreamReader) -> None:
    """A body in chunks, each with its size before it, and lines after the last one (RFC 9112, 7.1)."""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        await _skip(reader, size + 2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass


def _answer(retry_after: int) -> bytes:
    body = json.dumps({"error": "the model is asleep, and starts when it is asked for", "retryAfter": retry_after})
    head = (
        "HTTP/1.1 503 Service Unavailable\r\n"
        "Content-Type: application/json\r\n"
        "Cache-Control: no-store\r\n"
        f"Retry-After: {retry_after}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


async def _run(host: str, port: int, retry_after: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with await serve(host, port, retry_after):
        await ended.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """The command: until SIGTERM."""
    parser = argparse.ArgumentParser(prog="rollmodel hold", description="Answer 503 with Retry-After.")
    parser.add_argument("--host", default="0.0.0.0", help="overruled by ROLLMODEL_LISTEN_ADDRESS")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--retry-after", type=int, default=30, metavar="SECONDS")
    asked = parser.parse_args(argv)
    asyncio.run(_run(os.environ.get("ROLLMODEL_LISTEN_ADDRESS", asked.host), asked.port, asked.retry_after))
    return 0
