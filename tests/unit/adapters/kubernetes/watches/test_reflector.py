"""List and watch: what reaches the cache, and what happens when a stream breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kinds import BUDGETS, Resource, resource_of
from rollmodel.adapters.kubernetes.watches import reflector as watch_module
from rollmodel.adapters.kubernetes.watches import stream as stream_module
from rollmodel.adapters.kubernetes.watches.reflector import Reflector
from rollmodel.adapters.kubernetes.watches.store import ChildStore
from rollmodel.plan.access.ownership import Controller

from tests.support.servers.web import Web, serve

SERVICES = resource_of("v1", "Service")
OWNER = Controller("team", "g", "ModelDeployment", "churn", "owner")


@dataclass
class FakeCluster:
    """Answers lists and watches of Services; ``pages`` and ``streams`` are used up, then a list shows what
    is ``present`` and a stream stays open.
    """

    pages: list[web.Response] = field(default_factory=list)
    streams: list[list[dict[str, Any]] | web.Response] = field(default_factory=list)
    missing: bool = False
    present: list[dict[str, Any]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.missing:
            return failure(404)
        if "watch" not in request.query:
            return self.pages.pop(0) if self.pages else page(*self.present, version=100)
        if not self.streams:
            response = web.StreamResponse()
            await response.prepare(request)
            await self.release.wait()
            return response
        stream = self.streams.pop(0)
        if isinstance(stream, web.Response):
            return stream
        return web.Response(text="".join(f"{json.dumps(event)}\n" for event in stream))


def service(name: str, version: int) -> dict[str, Any]:
    owners = [{"apiVersion": "g/v1", "kind": "ModelDeployment", "name": "churn", "uid": "owner", "controller": True}]
    metadata = {
        "name": name,
        "namespace": "team",
        "uid": name,
        "resourceVersion": str(version),
        "ownerReferences": owners,
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata}


def page(*items: dict[str, Any], version: int, more: str = "") -> web.Response:
    """A page of a list; as in the real API, items do not say their kind."""
    bare = [{"metadata": item["metadata"]} for item in items]
    return web.json_response({"metadata": {"resourceVersion": str(version), "continue": more}, "items": bare})


def event(kind: str, name: str, version: int) -> dict[str, Any]:
    return {"type": kind, "object": service(name, version)}


def failure(code: int) -> web.Response:
    return web.json_response({"message": "no"}, status=code)


@pytest.fixture
async def cluster() -> AsyncIterator[FakeCluster]:
    cluster = FakeCluster()
    yield cluster
    cluster.release.set()


@pytest.fixture
async def server(cluster: FakeCluster) -> AsyncIterator[Web]:
    async with serve(cluster.answer) as server:
        yield server


@pytest.fixture
def children() -> ChildStore:
    return ChildStore(lambda uid: None)


@pytest.fixture
def resource() -> Resource:
    return SERVICES


@pytest.fixture
async def watch(
    server: Web, cluster: FakeCluster, children: ChildStore, resource: Resource, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Reflector]:
    """A watch that does not pause; it begins when the test calls :func:`watching`."""
    for name in ("RECONNECT_SECONDS", "ABSENT_SECONDS"):
        monkeypatch.setattr(watch_module, name, 0.0)
    monkeypatch.setattr("rollmodel.backoff.Backoff.next", lambda self: 0.0)
    api = ApiServer(ApiClient(Configuration(host=server.url)))
    yield Reflector(api, resource, None, selector="a=b", children=children)
    cluster.release.set()
    await api.close()


async def watching(watch: Reflector, condition: Callable[[], object]) -> None:
    """Let it run until the condition holds."""
    running = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(10):
            while not condition():
                assert not running.done()
                await asyncio.sleep(0.005)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def names(children: ChildStore) -> set[str]:
    return {child["metadata"]["name"] for child in children.of(OWNER)}


async def test_pages_fill_the_cache_with_objects_that_know_their_kind(
    cluster: FakeCluster, watch: Reflector, children: ChildStore, server: Web
) -> None:
    cluster.pages = [page(service("a", 1), version=9, more="token"), page(service("b", 2), version=9)]
    await watching(watch, watch.listed.is_set)
    assert names(children) == {"a", "b"}
    assert {child["kind"] for child in children.of(OWNER)} == {"Service"}
    assert [request.query.get("continue") for request in server.requests[:2]] == [None, "token"]
    assert {request.query["labelSelector"] for request in server.requests} == {"a=b"}


async def test_a_stream_goes_on_from_what_was_seen_last(
    cluster: FakeCluster, watch: Reflector, children: ChildStore, server: Web
) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "20"}}}
    cluster.pages = [page(service("a", 1), version=9)]
    cluster.streams = [[event("ADDED", "b", 11), event("DELETED", "a", 12)], [bookmark], []]
    await watching(watch, lambda: len(server.requests) == 5)
    assert names(children) == {"b"}
    watches = [request.query["resourceVersion"] for request in server.requests if "watch" in request.query]
    assert watches == ["9", "12", "20", "20"]
    assert server.requests[1].query["allowWatchBookmarks"] == "true"


@pytest.mark.parametrize(
    "expired",
    [failure(410), [{"type": "ERROR", "object": {"code": 410, "message": "too old"}}]],
    ids=["answer", "in the stream"],
)
async def test_one_that_fell_behind_lists_again(
    cluster: FakeCluster, watch: Reflector, children: ChildStore, server: Web, expired: Any
) -> None:
    cluster.pages = [page(service("a", 1), service("b", 2), version=9), page(service("b", 2), version=30)]
    cluster.streams = [expired]
    await watching(watch, lambda: len(server.requests) == 4)
    assert names(children) == {"b"}


@pytest.mark.parametrize("code", [403, 429, 500, 503])
async def test_refusals_and_outages_are_outlived(
    cluster: FakeCluster, watch: Reflector, children: ChildStore, code: int
) -> None:
    cluster.pages = [failure(code), failure(code), page(service("a", 1), version=9)]
    cluster.streams = [failure(code), [event("ADDED", "b", 11)]]
    await watching(watch, lambda: names(children) == {"a", "b"})


async def test_an_error_in_the_stream_lists_again(cluster: FakeCluster, watch: Reflector, children: ChildStore) -> None:
    cluster.pages = [page(service("a", 1), version=9), page(service("b", 20), version=30)]
    cluster.streams = [[{"type": "ERROR", "object": {"code": 500, "message": "etcd"}}]]
    await watching(watch, lambda: names(children) == {"b"})


async def test_a_kind_that_is_absent_is_looked_for_again(
    cluster: FakeCluster, watch: Reflector, children: ChildStore
) -> None:
    cluster.missing = True
    await watching(watch, lambda: watch.absent)
    assert watch.listed.is_set()
    cluster.missing, cluster.present = False, [service("a", 1)]
    await watching(watch, lambda: not watch.absent)
    assert names(children) == {"a"}


@pytest.mark.parametrize(("resource", "absent"), [(BUDGETS, True), (SERVICES, False)])
async def test_without_a_right_on_what_is_optional_the_rest_works(
    cluster: FakeCluster, watch: Reflector, absent: bool
) -> None:
    """As an operator whose role is that of the release before; a right on what is not optional is waited for."""
    cluster.pages = [failure(403) for _ in range(10_000)]
    await watching(watch, lambda: watch.absent if absent else len(cluster.pages) < 9_997)
    assert (watch.absent, watch.listed.is_set()) == (absent, absent)


async def test_silence_ends_a_stream(
    cluster: FakeCluster,
    watch: Reflector,
    server: Web,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(stream_module, "SILENCE_SECONDS", 0.05)
    cluster.pages = [page(version=9)]
    await watching(watch, lambda: len(server.requests) >= 4)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    assert [request.query["resourceVersion"] for request in server.requests[1:]] == ["9"] * (len(server.requests) - 1)


async def test_trying_in_vain_is_noted(cluster: FakeCluster, watch: Reflector, server: Web) -> None:
    cluster.pages = [failure(503) for _ in range(1000)]
    watch.heard = watch.stirred = 0.0
    await watching(watch, lambda: len(server.requests) >= 2)
    assert watch.stirred > 0.0
    assert watch.heard == 0.0


async def test_being_heard_is_noted(cluster: FakeCluster, watch: Reflector) -> None:
    watch.heard = 0.0
    await watching(watch, watch.listed.is_set)
    assert watch.heard > 0.0
