"""A request is over in time as a whole: neither silence nor a byte now and then holds its thread."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web
from rollmodel.adapters.deadline import Deadline, HttpSession, TooLarge, read
from rollmodel.adapters.mlflow.connection.http import Connector
from rollmodel.ports.registry import Connection

from localcluster.pki import Authority
from tests.support.servers.silent import hanging, trickling
from tests.support.servers.web import serve

SECONDS = 0.3
#: The session's own time-out, for each read: never the one that ends it here.
READ_SECONDS = 60.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000
TO_THE_END = HEAD + b"\r\n" + b"x" * 100_000


async def cut_after(seconds: float, url: str, *, verify: str | bool = True) -> float:
    """Ask in a thread, and cut it; how long it took to end."""
    deadline, session = Deadline(), HttpSession()

    def work() -> bytes:
        with session.get(url, stream=True, timeout=READ_SECONDS, verify=verify) as response:
            return read(response, 10**6)

    asking = asyncio.create_task(asyncio.to_thread(deadline.run, work))
    began = time.monotonic()
    asyncio.get_running_loop().call_later(seconds, deadline.cut)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(TimeoutError):
                await asking
        assert deadline.passed
    finally:
        session.close()
    return time.monotonic() - began


async def test_silence_ends() -> None:
    async with hanging() as server:
        assert await cut_after(SECONDS, server.url) >= SECONDS
        assert server.requests == 1


@pytest.mark.parametrize("answer", [ENDLESS, TO_THE_END, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000, b"HTT"])
async def test_so_does_a_byte_now_and_then(answer: bytes) -> None:
    """In the body, in the headers, and even before the first line is whole."""
    async with trickling(answer) as server:
        await cut_after(SECONDS, server.url)
        async with asyncio.timeout(10):
            await server.closed.wait()


async def test_over_tls_too(tmp_path: Path) -> None:
    authority = Authority.create("test")
    authority.save(tmp_path, "ca")
    certificate, key = authority.server("server", ["127.0.0.1"]).write(tmp_path, "server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with trickling(ENDLESS, tls=context) as server:
        await cut_after(SECONDS, server.url, verify=str(tmp_path / "ca.crt"))


async def test_a_socket_that_is_used_again_is_cut_too() -> None:
    hang = threading.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if hang.is_set():
            await asyncio.Event().wait()
        return web.Response(text="well")

    session = HttpSession()
    async with serve(answer) as server:
        first, second = Deadline(), Deadline()
        await asyncio.to_thread(first.run, lambda: session.get(server.url, timeout=READ_SECONDS).text)
        first.cut()
        assert not first.passed
        hang.set()
        asyncio.get_running_loop().call_later(SECONDS, second.cut)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.to_thread(second.run, lambda: session.get(server.url, timeout=READ_SECONDS).text)
        assert len({request.transport for request in server.requests}) == 1
    session.close()


async def test_what_was_cut_before_it_began_asks_nothing() -> None:
    async with hanging() as server:
        deadline, session = Deadline(), HttpSession()
        deadline.cut()
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(deadline.run, lambda: session.get(server.url, timeout=READ_SECONDS))
        assert server.requests == 0
        session.close()


def test_an_answer_that_may_have_been_cut_off_is_not_believed() -> None:
    """A body that ends with the connection looks whole."""
    deadline = Deadline()

    def work() -> str:
        deadline.cut()
        return "half of it"

    with pytest.raises(TimeoutError):
        deadline.run(work)


async def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 10**6)

    session = HttpSession()
    async with serve(answer) as server:

        def ask(limit: int) -> int:
            with session.get(server.url, stream=True, timeout=READ_SECONDS) as response:
                return len(read(response, limit))

        assert await asyncio.to_thread(ask, 10**6) == 10**6
        with pytest.raises(TooLarge):
            await asyncio.to_thread(ask, 10**6 - 1)
    session.close()


async def test_no_cookie_is_kept() -> None:
    async def answer(request: web.Request) -> web.Response:
        response = web.Response(text=request.headers.get("Cookie", "none"))
        response.set_cookie("who", "you")
        return response

    session = HttpSession()
    async with serve(answer) as server:
        for _ in range(2):
            assert (await asyncio.to_thread(session.get, server.url, timeout=READ_SECONDS)).text == "none"
    session.close()


async def test_who_others_name_is_not_asked_inside_of_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address counts to which it really connects, whatever name stood for it; and nothing is sent there."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    monkeypatch.setattr("rollmodel.adapters.deadline.is_of_cloud", lambda address: address == "127.0.0.1")
    async with serve(answer) as server:
        with HttpSession(guarded=True) as others, HttpSession() as ours:
            with pytest.raises(requests.ConnectionError):
                await asyncio.to_thread(others.get, f"{server.url}/others")
            await asyncio.to_thread(ours.get, f"{server.url}/ours")
    assert asked == ["/ours"]


def test_connections_of_tenants_are_guarded_and_that_of_the_operator_is_not() -> None:
    connector = Connector(1.0)
    adapters: list[Any] = [
        connector(connection)._session.get_adapter("http://mlflow")
        for connection in (Connection("http://mlflow"), Connection("http://mlflow", namespace="team"))
    ]
    connector.close()
    pools = [adapter.poolmanager.pool_classes_by_scheme["http"] for adapter in adapters]
    assert [one.ConnectionCls.__name__ for one in pools] == ["_Connection", "_GuardedConnection"]


def test_what_the_environment_says_is_read_once_for_each_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    session = HttpSession()

    def settings(url: str) -> Any:
        return session.merge_environment_settings(url, {}, True, None, None)

    first = settings("http://one/a")
    assert (first["proxies"]["http"], first["stream"]) == ("http://proxy:3128", True)
    first["proxies"].clear()
    monkeypatch.delenv("HTTP_PROXY")
    assert settings("http://one/b?c=d")["proxies"]["http"] == "http://proxy:3128"
    assert "http" not in settings("http://two/a")["proxies"]


def test_what_is_remembered_of_servers_has_a_bound() -> None:
    session = HttpSession()
    for number in range(200):
        session.merge_environment_settings(f"http://host-{number}/", {}, True, None, None)
    assert len(session._merged) <= 64
