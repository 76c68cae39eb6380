"""Workspaces of MLflow: whose model a name means, and that it is said where nobody chose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow.connection import workspaces
from rollmodel.adapters.mlflow.connection.loading import load
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.ports.registry import Connection
from rollmodel.settings import Settings

from tests.support.live.mlflow_client import configure
from tests.support.servers.web import Web, serve

HEADER = "X-MLFLOW-WORKSPACE"
INFO = "/api/3.0/mlflow/server-info"


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, Settings())
    monkeypatch.delenv("MLFLOW_WORKSPACE", raising=False)


@pytest.fixture
async def server() -> AsyncIterator[Web]:
    """Version 1 of churn in each workspace, by another digest."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == INFO:
            return web.json_response({"workspaces_enabled": True})
        where = request.headers.get(HEADER, "default")
        tag = {"key": "rollmodel.dev/artifact-digest", "value": f"sha256:{where.encode().hex().rjust(64, '0')}"}
        version = {"name": "churn", "version": "1", "status": "READY", "source": "models:/m-1", "tags": [tag]}
        return web.json_response({"model_version": version})

    async with serve(answer) as running:
        yield running


@pytest.fixture
def mlflow() -> Iterator[Mlflow]:
    load()  # takes longer than a pass waits
    mlflow = Mlflow()
    yield mlflow
    mlflow.close()


async def test_each_connection_sees_its_workspace(mlflow: Mlflow, server: Web) -> None:
    for workspace in ("risk", "fraud"):
        here = Connection(server.url, workspace=workspace, namespace="team")
        found = await mlflow.resolve(here, "churn", version="1", alias=None)
        assert found.digest.endswith(workspace.encode().hex())
        assert found.note is None
    assert INFO not in server.paths


async def test_the_environment_is_for_the_operators_own(
    mlflow: Mlflow, server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_WORKSPACE", "ours")
    await mlflow.resolve(Connection(server.url, namespace="team"), "churn", version="1", alias=None)
    assert {request.headers.get(HEADER) for request in server.requests if request.path != INFO} == {None}


async def test_a_connection_without_a_workspace_says_whose_model_it_sees(mlflow: Mlflow, server: Web) -> None:
    for _ in range(3):
        found = await mlflow.resolve(Connection(server.url), "churn", version="1", alias=None)
        assert found.note is not None
        assert "set `workspace`" in found.note
    assert server.paths.count(INFO) == 1


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_server_without_workspaces_needs_no_word(mlflow: Mlflow, server: Web, status: int) -> None:
    usual = server.answer

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({}, status=status) if request.path == INFO else await usual(request)

    server.answer = answer
    found = await mlflow.resolve(Connection(server.url), "churn", version="1", alias=None)
    assert found.note is None


async def test_a_server_that_hangs_delays_nobody(mlflow: Mlflow, server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspaces, "PATIENCE_SECONDS", 0.05)
    usual, go = server.answer, asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == INFO:
            await go.wait()
        return await usual(request)

    server.answer = answer
    for _ in range(2):
        found = await mlflow.resolve(Connection(server.url), "churn", version="1", alias=None)
        assert found.note is None
    async with asyncio.timeout(10):
        while INFO not in server.paths:  # noqa: ASYNC110 - a thread asks
            await asyncio.sleep(0.01)
    assert server.paths.count(INFO) == 1
    go.set()
