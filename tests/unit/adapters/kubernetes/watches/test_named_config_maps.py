"""ConfigMaps of one name are listed once and watched; a right that is missing is told once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.watches import named_config_maps
from rollmodel.adapters.kubernetes.watches.named_config_maps import NamedConfigMaps

from tests.support.eventually import PATIENCE_SECONDS
from tests.support.servers.web import serve


def config_map(namespace: str, version: int, **data: str) -> dict[str, Any]:
    meta = {"namespace": namespace, "name": "rules", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


@dataclass
class Server:
    """Lists of ``present``; each watch gives the next of ``streams``, and then stays open."""

    present: list[dict[str, Any]] = field(default_factory=list)
    streams: list[list[dict[str, Any]]] = field(default_factory=list)
    refused: bool = False
    asked: list[Mapping[str, str]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append({"path": request.path, **request.query})
        if self.refused:
            return web.json_response({"message": "no"}, status=403)
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "10"}, "items": self.present})
        if self.streams:
            return web.Response(text="".join(f"{json.dumps(event)}\n" for event in self.streams.pop(0)))
        response = web.StreamResponse()
        await response.prepare(request)
        await self.released.wait()
        return response


@dataclass
class Told:
    """What the code under test has said."""

    changes: list[tuple[str, Mapping[str, str] | None]] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(named_config_maps, "_RECONNECT_SECONDS", 0.01)
    monkeypatch.setattr(named_config_maps, "_FORBIDDEN_SECONDS", 0.01)
    return Server()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[ApiServer]:
    async with serve(server.answer) as running:
        connection = ApiServer(ApiClient(Configuration(host=running.url)), timeout=5)
        yield connection
        server.released.set()
        await connection.close()


@asynccontextmanager
async def following(api: ApiServer, told: Told, *namespaces: str) -> AsyncIterator[None]:
    """Begins once it is known what there is."""
    maps = NamedConfigMaps(
        api,
        "rules",
        namespaces,
        changed=lambda namespace, data: told.changes.append((namespace, data)),
        forbidden=told.forbidden.append,
    )
    task = asyncio.create_task(maps.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await maps.listed.wait()
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_what_is_there_and_what_changes(api: ApiServer, server: Server) -> None:
    told = Told()
    server.present = [config_map("a", 5, rules="1")]
    server.streams = [
        [{"type": "MODIFIED", "object": config_map("a", 11, rules="2")}],
        [
            {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "12"}}},
            {"type": "ADDED", "object": config_map("b", 13, rules="3")},
            {"type": "DELETED", "object": config_map("a", 14)},
        ],
    ]
    async with following(api, told):
        await until(lambda: len(server.asked) == 4)
    assert told.changes == [("a", {"rules": "1"}), ("a", {"rules": "2"}), ("b", {"rules": "3"}), ("a", None)]
    assert {one["fieldSelector"] for one in server.asked} == {"metadata.name=rules"}
    assert {one["path"] for one in server.asked} == {"/api/v1/configmaps"}
    assert [one.get("resourceVersion") for one in server.asked] == [None, "10", "11", "14"]


async def test_after_a_version_that_is_too_old_all_is_listed_again(api: ApiServer, server: Server) -> None:
    told = Told()
    server.present = [config_map("a", 5, rules="1")]
    server.streams = [[{"type": "ERROR", "object": {"code": 410, "message": "too old"}}]]
    async with following(api, told):
        server.present = []
        await until(lambda: told.changes[-1] == ("a", None))


async def test_without_the_right_it_is_told_once_and_work_begins(api: ApiServer, server: Server) -> None:
    told = Told()
    server.refused = True
    async with following(api, told, "a", "b"):
        await until(lambda: len(server.asked) > 6)
        assert len(told.forbidden) == 2  # once in each namespace
        assert told.changes == []
        server.refused, server.present = False, [config_map("a", 5, rules="1")]
        await until(lambda: ("a", {"rules": "1"}) in told.changes)
