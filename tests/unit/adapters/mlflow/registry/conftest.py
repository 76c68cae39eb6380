"""As much of an MLflow server as the adapter of the registry talks to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.api.fields.digest import tree_digest
from rollmodel.ports.registry import Connection

from tests.support.servers.web import Web, serve

API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
FILES = {"MLmodel": b"flavors: {}", "model.skops": b"\x00" * 3000, "code/deep/a b.py": b"pass", "empty": b""}
DIGEST = tree_digest({path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()})


@dataclass
class FakeMlflow:
    """As much of an MLflow server as the adapter talks to."""

    aliases: dict[str, str] = field(default_factory=lambda: {"challenger": "1"})
    status: str = "READY"
    tags: dict[str, str] = field(default_factory=dict)
    of_model: dict[str, str] = field(default_factory=dict)
    uri: str = "mlflow-artifacts:/1/models/m-1/artifacts"
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    sizes: bool = True
    written: list[tuple[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = dict(request.query) or json.loads(await request.read() or b"{}")
        page = request.path.removeprefix(API)
        if request.method == "POST":
            self.written.append((page, asked))
            if page == "/registered-models/set-tag":
                self.of_model.setdefault(asked["key"], asked["value"])
            return web.json_response({})
        if page == "/registered-models/get":
            tags = [{"key": key, "value": value} for key, value in self.of_model.items()]
            return web.json_response({"registered_model": {"name": asked["name"], "tags": tags}})
        return self._page(page, asked)

    def _page(self, page: str, asked: dict[str, str]) -> web.Response:
        match page:
            case "/registered-models/alias":
                return self._alias(asked)
            case "/model-versions/get":
                return self._version(asked["version"])
            case "/model-versions/get-download-uri":
                return web.json_response({"artifact_uri": self.uri})
            case "-artifacts/artifacts":
                return self._list(asked["path"])
            case _:
                return self._file(page.removeprefix("-artifacts/artifacts/1/models/m-1/artifacts/"))

    def _file(self, path: str) -> web.Response:
        return (
            web.Response(body=self.files[path]) if path in self.files else error(404, "ENDPOINT_NOT_FOUND", "no page")
        )

    def _alias(self, asked: dict[str, str]) -> web.Response:
        if asked["name"] != "churn":
            return error(404, "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={asked['name']} not found")
        if asked["alias"] not in self.aliases:
            return error(400, "INVALID_PARAMETER_VALUE", f"Registered model alias {asked['alias']} not found.")
        return self._version(self.aliases[asked["alias"]])

    def _version(self, number: str) -> web.Response:
        if number != "1":
            return error(404, "RESOURCE_DOES_NOT_EXIST", f"Model Version (name=churn, version={number}) not found")
        tags = [{"key": key, "value": value} for key, value in self.tags.items()]
        version = {"name": "churn", "version": "1", "source": "models:/m-1", "run_id": "r", "status": self.status}
        return web.json_response({"model_version": {**version, "tags": tags}})

    def _size(self, name: str) -> dict[str, int]:
        return {"file_size": len(self.files[name])} if self.sizes else {}

    def _list(self, path: str) -> web.Response:
        folder = path.removeprefix("1/models/m-1/artifacts").strip("/")
        inside = [name for name in self.files if name.startswith(f"{folder}/" if folder else "")]
        entries: dict[str, dict[str, Any]] = {}
        for name in inside:
            head, _, rest = name.removeprefix(f"{folder}/" if folder else "").partition("/")
            size = {"is_dir": True} if rest else {"is_dir": False, **self._size(name)}
            entries[head] = {"path": head, **size}
        return web.json_response({"files": list(entries.values())})


def error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error_code": code, "message": message}, status=status)


@pytest.fixture
def backend() -> FakeMlflow:
    return FakeMlflow()


@pytest.fixture
async def server(backend: FakeMlflow) -> AsyncIterator[Web]:
    async with serve(backend.answer) as server:
        yield server


@pytest.fixture
async def mlflow() -> AsyncIterator[Mlflow]:
    mlflow = Mlflow(hash_limit=10_000)
    yield mlflow
    mlflow.close()


@pytest.fixture
def here(server: Web) -> Connection:
    return Connection(server.url, token="hunter2")
