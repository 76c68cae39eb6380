"""Prometheus: only whole answers from the right place become evidence."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from rollmodel.adapters.prometheus import client as module
from rollmodel.adapters.prometheus.access import Login
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.errors import Forbidden, Invalid, RollmodelError, Unavailable, Untrustworthy
from rollmodel.ports.prometheus import Series

from tests.support.servers.silent import hanging, trickling
from tests.support.servers.web import Web, serve

MATRIX = {"resultType": "matrix", "result": [{"metric": {"pod": "a"}, "values": [[10, "1"], [20.5, "2.5"]]}]}


def success(data: Any = MATRIX, **extra: Any) -> web.Response:
    return web.json_response({"status": "success", "data": data, **extra})


def failure(status: int, message: str) -> web.Response:
    return web.json_response({"status": "error", "errorType": "x", "error": message}, status=status)


@pytest.fixture
async def server() -> AsyncIterator[Web]:
    async def answer(request: web.Request) -> web.Response:
        return success()

    async with serve(answer) as server:
        yield server


async def ask(server: Web, *, query: str = "up", login: Login | None = None) -> Any:
    prometheus = Prometheus(f"{server.url}/prefix", login=login, timeout=5)
    try:
        return await prometheus.query_range(query, start=10.5, end=60.0, step=10.0)
    finally:
        prometheus.close()


async def answered(server: Web, response: web.Response) -> Any:
    async def answer(request: web.Request) -> web.Response:
        return response

    server.answer = answer
    return await ask(server)


async def test_series_come_as_they_are(server: Web) -> None:
    assert await ask(server) == [Series({"pod": "a"}, [(10.0, 1.0), (20.5, 2.5)])]


async def test_the_question_is_exact(server: Web) -> None:
    await ask(server, query='rate(x{a="b c"}[1m]) + 1')
    (request,) = server.requests
    assert request.path == "/prefix/api/v1/query_range"
    asked = dict(request.query)
    assert (asked["query"], float(asked["start"]), float(asked["end"])) == ('rate(x{a="b c"}[1m]) + 1', 10.5, 60.0)
    assert (float(asked["step"]), asked["timeout"]) == (10.0, "5s")


async def test_odd_numbers_are_passed_on(server: Web) -> None:
    values = [[0, "NaN"], [10, "+Inf"], [20, "-Inf"]]
    (series,) = await answered(server, success({**MATRIX, "result": [{"metric": {}, "values": values}]}))
    numbers = [value for _, value in series.points]
    assert math.isnan(numbers[0])
    assert numbers[1:] == [math.inf, -math.inf]


async def test_no_series_is_an_answer(server: Web) -> None:
    assert await answered(server, success({"resultType": "matrix", "result": []})) == []


async def test_infos_are_no_warnings(server: Web) -> None:
    assert await answered(server, success(infos=["metric might not be a counter"]))


async def test_an_answer_that_says_that_it_is_whole_is_taken(server: Web) -> None:
    assert await answered(server, success(isPartial=False))


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (success(warnings=["store 10.0.0.7 did not answer: partial response"]), "partial response"),
        (success(isPartial=True), "partial"),
        (success({"resultType": "vector", "result": []}), "vector, not a matrix"),
        (success({"resultType": "scalar", "result": [0, "NaN"]}), "scalar, not a matrix"),
        (success({"resultType": "matrix", "result": [{"metric": {}, "histograms": []}]}), "something else"),
        (success({"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]}), "something else"),
        (success({"resultType": "matrix", "result": "many"}), "something else"),
        (success(None), "None, not a matrix"),
        (web.json_response({"status": "ok"}), "not Prometheus"),
        (web.json_response(["status"]), "not Prometheus"),
        (web.Response(text="<html>please log in</html>"), "not Prometheus"),
        (web.Response(text='{"status": "success", "data": {"resultType": "mat'), "not Prometheus"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_must_not_become_evidence(server: Web, response: web.Response, message: str) -> None:
    with pytest.raises(Untrustworthy, match=message):
        await answered(server, response)


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        (400, Invalid, "parse error at char 3"),
        (422, Invalid, "parse error at char 3"),
        (401, Forbidden, "HTTP 401"),
        (403, Forbidden, "HTTP 403"),
        (404, Invalid, "no Prometheus API"),
        (302, Invalid, "HTTP 302"),
        (429, Unavailable, "parse error at char 3"),
        (500, Unavailable, "parse error at char 3"),
        (503, Unavailable, "parse error at char 3"),
    ],
)
async def test_errors(server: Web, status: int, expected: type[RollmodelError], message: str) -> None:
    with pytest.raises(expected, match=message):
        await answered(server, failure(status, "parse error at char 3"))
    assert len(server.requests) == 1  # nothing is tried again behind our back


async def test_redirects_are_not_followed(server: Web) -> None:
    response = web.Response(status=307, headers={"Location": f"{server.url}/elsewhere"})
    with pytest.raises(Invalid):
        await answered(server, response)
    assert server.paths == ["/prefix/api/v1/query_range"]


async def test_a_huge_answer_is_not_read_to_its_end(server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_LIMIT", 1000)
    with pytest.raises(Untrustworthy, match="larger than"):
        await answered(server, success(warnings=["x" * 100_000]))


HEADERS = b"HTTP/1.1 200 OK\r\nX: "
BODY = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("beginning", [HEADERS, BODY], ids=["headers", "body"])
async def test_an_answer_that_takes_too_long_is_given_up(beginning: bytes) -> None:
    """A byte now and then keeps the socket busy."""
    async with trickling(beginning + b" " * 60_000) as server, asyncio.timeout(10):
        prometheus = Prometheus(server.url, timeout=0.3)
        try:
            with pytest.raises(Unavailable):
                await prometheus.query_range("up", start=0, end=10, step=10)
            await server.closed.wait()  # its thread is free for others
        finally:
            prometheus.close()


async def test_a_query_that_times_out_again_and_again_is_left_alone_for_a_while(server: Web) -> None:
    """Also where Prometheus is the one who says so."""

    async def answer(request: web.Request) -> web.Response:
        query = (await request.post()).get("query") or request.query.get("query")
        slow = failure(503, "query timed out in expression evaluation")
        return slow if query == "slow" else success()

    server.answer = answer
    prometheus = Prometheus(server.url, timeout=5)
    try:
        for _ in range(4):
            with pytest.raises(Unavailable):
                await prometheus.query_range("slow", start=0, end=10, step=10)
            await prometheus.query_range("up", start=0, end=10, step=10)
    finally:
        prometheus.close()
    assert len(server.requests) == 2 + 4


async def test_a_query_that_waits_too_long_for_its_turn_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other they would take 15 s."""
    monkeypatch.setattr(module, "QUEUE_SECONDS", 0.1)
    async with hanging() as server:
        prometheus = Prometheus(server.url, timeout=0.5, concurrency=1)
        try:
            asking = [prometheus.query_range("up", start=0, end=10, step=10) for _ in range(30)]
            async with asyncio.timeout(8):
                answers = await asyncio.gather(*asking, return_exceptions=True)
            assert all(isinstance(answer, Unavailable) for answer in answers)
        finally:
            prometheus.close()


async def test_nobody_there_is_unavailable() -> None:
    prometheus = Prometheus("http://127.0.0.1:1", login=Login(token="hunter2"))
    try:
        with pytest.raises(Unavailable) as error:
            await prometheus.query_range("up", start=0, end=10, step=10)
    finally:
        prometheus.close()
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("login", "header"),
    [
        (Login(), None),
        (Login(token="hunter2"), "Bearer hunter2"),
        (Login(username="u", password="p"), "Basic dTpw"),
    ],
)
async def test_logins(server: Web, login: Login, header: str | None) -> None:
    await ask(server, login=login)
    assert server.requests[0].headers.get("Authorization") == header
    assert "hunter2" not in repr(login)


async def test_a_token_file_is_read_each_time(server: Web, tmp_path: Path) -> None:
    file = tmp_path / "token"
    prometheus = Prometheus(server.url, login=Login(token_file=file))
    try:
        for token in ("one", "two"):
            file.write_text(f"{token}\n")
            await prometheus.query_range("up", start=0, end=10, step=10)
        file.unlink()
        with pytest.raises(Unavailable, match="token file"):
            await prometheus.query_range("up", start=0, end=10, step=10)
    finally:
        prometheus.close()
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer one", "Bearer two"]


async def test_neither_proxies_nor_netrc_of_the_environment_are_used(
    server: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    await ask(server)
    assert "Authorization" not in server.requests[0].headers
