"""The holding page answers everything with 503 and Retry-After, on connections that stay usable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from rollmodel.serving import holding_page


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = await holding_page.serve("127.0.0.1", 0, 45)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(port: int, *requests: bytes) -> list[bytes]:
    """The answers to these requests, one after the other over one connection; no more after it was closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for request in requests:
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        answers.append(head + await reader.readexactly(int(length.partition(b":")[2])))
    writer.close()
    return answers


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: 1\r\n\r\n"


async def test_all_is_answered_over_one_connection(port: int) -> None:
    answers = await ask(port, GET, POST, CHUNKS, GET)
    assert len(answers) == 4
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 45\r\n" in answer
        assert b'"retryAfter": 45' in answer


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    ],
)
async def test_a_connection_that_ends_is_answered_first(port: int, request_: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_)
    assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
    writer.close()


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\r\n\r\n", b"GET /" + b"a" * 100_000, b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b""]
)
async def test_noise_ends_its_own_connection_only(port: int, noise: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(noise)
    writer.write_eof()
    writer.close()
    assert len(await ask(port, GET)) == 1
