"""MLflow's tracking server when it refuses, talks nonsense or does not answer: bounded in time and size."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow.connection import http
from rollmodel.adapters.mlflow.connection.loading import load
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.errors import Invalid, RollmodelError, Unavailable
from rollmodel.plan.decision import CreateRun
from rollmodel.plan.timing import Timing
from rollmodel.ports.registry import Connection

from tests.support.servers.silent import trickling
from tests.support.servers.web import Web, serve
from tests.unit.adapters.mlflow.answers import NO_USE
from tests.unit.adapters.mlflow.tracking.conftest import RUN, Scripted


async def test_something_else_than_mlflow_is_not_taken_for_a_missing_alias(
    tracking: MlflowTracking, here: Connection, backend: Scripted
) -> None:
    backend.pages["registered-models/alias"] = web.Response(status=404, text="<html>nginx</html>")
    with pytest.raises(Invalid, match="does not look like MLflow"):
        await tracking.version_at(here, "churn", "champion")


@pytest.mark.parametrize(
    "answer",
    [
        {"run": {"info": {**RUN["info"], "run_id": "../../etc"}}},
        {"run": {"info": {**RUN["info"], "run_id": "x" * 500}}},
        {"run": {"info": {**RUN["info"], "start_time": "yesterday"}}},
        {"run": ["what"]},
    ],
)
async def test_nonsense_is_not_believed(
    tracking: MlflowTracking, here: Connection, backend: Scripted, answer: Any
) -> None:
    backend.pages["runs/get"] = answer
    with pytest.raises(RollmodelError):
        await tracking.get_run(here, "r1")


@pytest.mark.parametrize(("status", "text", "expected"), NO_USE)
async def test_errors(  # noqa: PLR0917
    tracking: MlflowTracking, here: Connection, server: Web, status: int, text: str, expected: type[RollmodelError]
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers={"Location": "/elsewhere"})

    server.answer = refuse
    with pytest.raises(expected) as error:
        await tracking.create_run(here, CreateRun("team", "churn", {}))
    assert len(server.requests) == 1  # neither followed nor tried again
    assert "html" not in str(error.value)
    assert "hunter2" not in str(error.value)


async def test_each_login_goes_to_its_own_address_only(
    tracking: MlflowTracking, here: Connection, server: Web, backend: Scripted
) -> None:
    backend.pages["runs/get"] = {"run": RUN}
    async with serve(backend.answer) as theirs:
        await tracking.get_run(here, "r1")
        await tracking.get_run(Connection(theirs.url, "u", "p"), "r1")
        await tracking.get_run(Connection(theirs.url), "r1")
        sent = {request.headers.get("Authorization") for request in theirs.requests}
    assert sent == {"Basic dTpw", None}
    assert {request.headers.get("Authorization") for request in server.requests} == {"Bearer hunter2"}


async def test_a_call_that_was_given_up_creates_nothing_later(
    tracking: MlflowTracking, here: Connection, server: Web, backend: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The experiment is looked up so slowly that the time for further requests is over."""
    late = [0.0]
    monkeypatch.setattr(http, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + late[0]))

    async def slowly(request: web.Request) -> web.StreamResponse:
        late[0] += Timing().last_request
        return await backend.answer(request)

    server.answer = slowly
    with pytest.raises(Unavailable, match="too slow"):
        await tracking.create_run(here, CreateRun("team", "churn", {}))
    assert backend.pages_asked() == ["experiments/get-by-name"]


async def test_nobody_waits_for_ever(here: Connection, server: Web) -> None:
    tracking = MlflowTracking(timing=Timing(claim=8.0))

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    server.answer = never
    with pytest.raises(Unavailable, match="did not answer in time"):
        await tracking.get_run(here, "r1")
    tracking.close()


async def test_an_answer_that_trickles_is_given_up_in_time() -> None:
    load()  # takes its time, which is not what is measured here
    tracking = MlflowTracking(timing=Timing(claim=8.0))
    async with trickling(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 60_000) as server, asyncio.timeout(10):
        with pytest.raises(Unavailable, match="did not answer in time"):
            await tracking.get_run(Connection(server.url), "r1")
        await server.closed.wait()  # its thread is free for others
    tracking.close()


async def test_a_huge_answer_is_not_read_to_its_end(
    tracking: MlflowTracking, here: Connection, backend: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_LIMIT", 1_000)
    backend.pages["runs/get"] = {"run": {**RUN, "data": {"tags": [{"key": "notes", "value": "x" * 1_000}]}}}
    with pytest.raises(Invalid, match="an answer of MLflow at") as error:
        await tracking.get_run(here, "r1")
    assert error.value.reason == "AnswerTooLarge"
