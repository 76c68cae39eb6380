"""Failures have a class and name the fix; no login is shown; nothing that hangs, trickles or is huge is waited for."""

from __future__ import annotations

import asyncio
from base64 import b64encode

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow import registry as registry_module
from rollmodel.adapters.mlflow.connection import http as http_module
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.errors import Forbidden, Invalid, RollmodelError, Unavailable
from rollmodel.ports.registry import Connection

from tests.support.servers.silent import hanging, trickling
from tests.support.servers.web import Web, serve
from tests.unit.adapters.mlflow.answers import NO_USE
from tests.unit.adapters.mlflow.registry.conftest import FakeMlflow


async def test_something_else_than_mlflow_is_not_taken_for_a_missing_alias(
    mlflow: Mlflow, here: Connection, server: Web
) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(status=404, text="<html>nginx</html>")

    server.answer = other
    with pytest.raises(Invalid, match="does not look like MLflow"):
        await mlflow.resolve(here, "churn", version=None, alias="challenger")


async def test_the_host_check_names_its_fix(mlflow: Mlflow, here: Connection, server: Web) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=403, text="Invalid Host header - possible DNS rebinding attack detected")

    server.answer = refuse
    host = here.url.removeprefix("http://")
    with pytest.raises(Forbidden, match=f"add '{host}' to its allowed hosts") as error:
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert "MLFLOW_SERVER_ALLOWED_HOSTS" in str(error.value)
    assert error.value.reason == "HostNotAllowed"


@pytest.mark.parametrize(("status", "text", "expected"), NO_USE)
async def test_errors(  # noqa: PLR0917
    mlflow: Mlflow, here: Connection, server: Web, status: int, text: str, expected: type[RollmodelError]
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers={"Location": "/elsewhere"})

    server.answer = refuse
    with pytest.raises(expected) as error:
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert len(server.requests) == 1  # neither followed nor tried again
    assert "html" not in str(error.value)
    assert "hunter2" not in str(error.value)


async def test_a_busy_database_is_no_alias_that_is_gone(mlflow: Mlflow, here: Connection, server: Web) -> None:
    """MLflow says 400 to both."""

    async def refuse(_: web.Request) -> web.Response:
        told = "QueuePool limit of size 5 overflow 10 reached, connection timed out"
        return web.json_response({"error_code": "BAD_REQUEST", "message": told}, status=400)

    server.answer = refuse
    with pytest.raises(Unavailable, match="QueuePool limit"):
        await mlflow.resolve(here, "churn", version=None, alias="challenger")


@pytest.mark.parametrize("login", [{"username": "u", "password": "hunter2"}, {"token": "hunter2"}])
async def test_a_login_that_is_repeated_is_not_shown(mlflow: Mlflow, server: Web, login: dict[str, str]) -> None:
    async def refuse(request: web.Request) -> web.Response:
        told = f"{request.headers['Authorization']} with hunter2 may not"
        return web.json_response({"error_code": "PERMISSION_DENIED", "message": told}, status=403)

    server.answer = refuse
    with pytest.raises(Forbidden, match="may not") as error:
        await mlflow.resolve(Connection(server.url, **login), "churn", version="1", alias=None)
    assert "hunter2" not in str(error.value)
    assert b64encode(b"u:hunter2").decode() not in str(error.value)


async def test_nobody_there_is_unavailable(mlflow: Mlflow) -> None:
    with pytest.raises(Unavailable, match=r"MLflow at 127\.0\.0\.1:1 did not answer"):
        await mlflow.resolve(Connection("http://127.0.0.1:1"), "churn", version="1", alias=None)


TRICKLES = [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000, b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 60_000]


@pytest.mark.parametrize("answer", TRICKLES, ids=["headers", "body"])
async def test_an_answer_that_trickles_is_given_up_in_time(answer: bytes) -> None:
    """Each read of the socket succeeds at once, and the whole never ends."""
    mlflow = Mlflow(timeout=0.3)
    try:
        async with trickling(answer) as server, asyncio.timeout(10):
            with pytest.raises(Unavailable, match="did not answer in time"):
                await mlflow.resolve(Connection(server.url), "churn", version="1", alias=None)
            await server.closed.wait()  # its thread is free for others
    finally:
        mlflow.close()


async def test_a_write_that_hangs_is_given_up_in_time(
    mlflow: Mlflow, here: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mlflow.set_alias(here, "churn", "champion", "1")  # the client is imported, which takes its time
    monkeypatch.setattr(registry_module, "WRITE_SECONDS", 0.3)
    async with hanging() as server, asyncio.timeout(10):
        with pytest.raises(Unavailable, match="did not answer in time"):
            await mlflow.set_alias(Connection(server.url), "churn", "champion", "1")
        await server.closed.wait()


async def test_a_huge_answer_is_not_read_to_its_end(
    mlflow: Mlflow, here: Connection, backend: FakeMlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "ANSWER_LIMIT", 10_000)
    backend.tags["notes"] = "x" * 10_000
    with pytest.raises(Invalid, match="an answer of MLflow at") as error:
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert error.value.reason == "AnswerTooLarge"


async def test_each_login_goes_to_its_own_address_only(mlflow: Mlflow, here: Connection, server: Web) -> None:
    async with serve(FakeMlflow().answer) as theirs:
        await mlflow.resolve(here, "churn", version="1", alias=None)
        await mlflow.resolve(Connection(theirs.url, "u", "p"), "churn", version="1", alias=None)
        await mlflow.resolve(Connection(theirs.url), "churn", version="1", alias=None)
        sent = {request.headers.get("Authorization") for request in theirs.requests}
    assert sent == {"Basic dTpw", None}
    assert {request.headers.get("Authorization") for request in server.requests} == {"Bearer hunter2"}
