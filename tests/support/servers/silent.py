"""Servers that accept and then do not answer as one should: they hang, or send a byte now and then."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle

__all__ = ["Silent", "hanging", "trickling"]


@dataclass
class Silent:
    """A running server; ``requests`` counts what was asked, ``open`` the connections that nobody has closed."""

    url: str = ""
    requests: int = 0
    open: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def hanging() -> AsyncIterator[Silent]:
    """Reads what it is asked, and never says a word."""
    async with _serve(b"", 1.0, None) as server:
        yield server


@asynccontextmanager
async def trickling(
    answer: bytes, *, interval: float = 0.02, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Silent]:
    """Sends ``answer`` byte by byte, over and over; ``interval`` is in seconds."""
    async with _serve(answer, interval, tls) as server:
        yield server


@asynccontextmanager
async def _serve(answer: bytes, interval: float, tls: ssl.SSLContext | None) -> AsyncIterator[Silent]:
    state, talks = Silent(), set[asyncio.Task[None]]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.open += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            state.requests += 1
            await _say(reader, writer, answer, interval)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # that is what the tests are about
        finally:
            state.open -= 1
            state.closed.set()
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not server.is_serving():
            writer.transport.abort()
            return
        task = asyncio.create_task(talk(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    scheme, port = "https" if tls else "http", server.sockets[0].getsockname()[1]
    state.url = f"{scheme}://127.0.0.1:{port}"
    try:
        yield state
    finally:
        server.close()
        await _turns()  # so that each talk has begun, and closes what it has opened
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await _turns()


async def _turns() -> None:
    """Let everything that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes, interval: float) -> None:
    """Until the other side closes."""
    gone = asyncio.create_task(reader.read())
    try:
        for byte in cycle(answer or b"\0"):
            await asyncio.wait({gone}, timeout=interval)
            if gone.done():
                return
            if answer:
                writer.write(bytes([byte]))
                await writer.drain()
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
