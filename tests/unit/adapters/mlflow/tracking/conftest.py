"""As much of an MLflow tracking server as the adapter talks to: scripted answers, and what was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow.connection.loading import load
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.ports.registry import Connection

from tests.support.servers.web import Web, serve

API = "/api/2.0/mlflow"


RUN: dict[str, Any] = {
    "info": {
        "run_id": "r1",
        "experiment_id": "7",
        "status": "RUNNING",
        "start_time": 1_500,
        "artifact_uri": "s3://b/r1",
    },
    "data": {"metrics": [{"key": "auc", "value": 0.5, "step": 3, "timestamp": 2_500}]},
}


VERSION = {"name": "churn", "version": "3", "run_id": "r1", "status": "READY"}


@dataclass
class Scripted:
    """Answers by page; what is not there is MLflow's own 404. ``said`` are pages and what was sent to them."""

    pages: dict[str, Any] = field(default_factory=dict)
    said: list[tuple[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        page = request.path.removeprefix(f"{API}/")
        self.said.append((page, dict(request.query) or json.loads(await request.read() or b"{}")))
        answer = self.pages.get(page)
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, web.Response):
            return answer
        return missing() if answer is None else web.json_response(answer)

    def pages_asked(self) -> list[str]:
        return [page for page, _ in self.said]


def refusal(status: int, code: str, message: str = "no") -> web.Response:
    return web.json_response({"error_code": code, "message": message}, status=status)


def missing() -> web.Response:
    return refusal(404, "RESOURCE_DOES_NOT_EXIST", "not found")


@pytest.fixture
def backend() -> Scripted:
    return Scripted()


@pytest.fixture
async def server(backend: Scripted) -> AsyncIterator[Web]:
    async with serve(backend.answer) as server:
        yield server


@pytest.fixture
def here(server: Web) -> Connection:
    return Connection(server.url, token="hunter2")


@pytest.fixture
async def tracking() -> AsyncIterator[MlflowTracking]:
    await asyncio.to_thread(load)  # which takes its time, and a call has only so much
    tracking = MlflowTracking()
    yield tracking
    tracking.close()
