"""Objects that stay current by watching, and what is said where that does not work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer, Expired
from rollmodel.cli.dashboard import live as module
from rollmodel.cli.dashboard.live import Live
from rollmodel.errors import Forbidden, NotFound, RollmodelError, Unavailable


class Server:
    """Lists of names by plural, and streams that a test feeds."""

    url = "https://cluster.example.com"

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {"modeldeployments": ["a", "b"], "trainingjobs": [], "driftpolicies": []}
        self.errors: dict[str, RollmodelError] = {}
        self.streams: dict[str, asyncio.Queue[Any]] = {plural: asyncio.Queue() for plural in self.names}
        self.lists: list[str] = []
        self.versions: list[str] = []

    paged = ApiServer.paged

    async def request(self, _: str, path: str, *, query: Mapping[str, str], accept: str = "") -> dict[str, Any]:
        plural = path.rpartition("/")[2]
        self.lists.append(plural)
        if plural in self.errors:
            raise self.errors[plural]
        place = int(query.get("continue") or 0)
        names = self.names[plural]
        more = str(place + 1) if place + 1 < len(names) else ""
        items = [{"metadata": meta(name)} for name in names[place : place + 1]]
        return {"items": items or None, "metadata": {"resourceVersion": "7", "continue": more}}

    async def lines(self, path: str, *, query: Mapping[str, str], silence: float) -> AsyncGenerator[bytes, None]:
        assert silence > 0
        self.versions.append(query["resourceVersion"])
        queue = self.streams[path.rpartition("/")[2]]
        while True:
            line = await queue.get()
            if isinstance(line, Exception):
                raise line
            yield line

    def say(self, type_: str, name: str, version: str = "8", **more: Any) -> None:
        """An event about a ModelDeployment."""
        manifest = {"kind": "ModelDeployment", "metadata": {**meta(name), "resourceVersion": version}, **more}
        self.streams["modeldeployments"].put_nowait(json.dumps({"type": type_, "object": manifest}).encode())


def meta(name: str) -> dict[str, str]:
    return {"name": name, "namespace": "prod", "resourceVersion": "5"}


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def live(server: Server, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(module, "REFUSED_SECONDS", 0.01)
    return Live(cast("ApiServer", server), "prod")


@asynccontextmanager
async def running(live: Live) -> AsyncIterator[None]:
    task = asyncio.create_task(live.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(live: Live, condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await live.changed(live.version, 0.05)


def names(live: Live) -> list[str]:
    return [one["metadata"]["name"] for one in live.of_kind("ModelDeployment")]


async def test_lists_are_read_page_by_page_and_then_watched(server: Server, live: Live) -> None:
    await live.start()
    assert names(live) == ["a", "b"]
    assert live.of_kind("ModelDeployment")[0]["apiVersion"] == "rollmodel.dev/v1alpha1"
    asked = len(server.lists)
    async with running(live):
        server.say("ADDED", "c")
        server.say("MODIFIED", "a", spec={"scale": 2})
        server.say("DELETED", "b", "9")
        await until(live, lambda: names(live) == ["a", "c"])
        assert live.objects["ModelDeployment", "prod", "a"]["spec"] == {"scale": 2}
        assert len(server.lists) == asked, "nothing is listed again"


async def test_a_stream_that_ends_goes_on_from_where_it_was(server: Server, live: Live) -> None:
    await live.start()
    async with running(live):
        server.say("BOOKMARK", "", "11")
        server.streams["modeldeployments"].put_nowait(Unavailable("gone"))
        await until(live, lambda: "ModelDeployment" in live.problems)
        assert "gone at cluster.example.com" in live.problems["ModelDeployment"]
        server.say("ADDED", "c", "12")
        await until(live, lambda: names(live) == ["a", "b", "c"])
        assert live.problems == {}
        assert "11" in server.versions


@pytest.mark.parametrize("how", ["event", "error"])
async def test_what_is_too_old_is_listed_again(how: str, server: Server, live: Live) -> None:
    await live.start()
    async with running(live):
        server.names["modeldeployments"] = ["b", "d"]
        if how == "event":
            status = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
            server.streams["modeldeployments"].put_nowait(json.dumps(status).encode())
        else:
            server.streams["modeldeployments"].put_nowait(Expired("too old"))
        await until(live, lambda: names(live) == ["b", "d"])


async def test_a_kind_that_may_not_be_read_is_said_and_tried_again(server: Server, live: Live) -> None:
    server.errors = {"driftpolicies": Forbidden("you may not"), "trainingjobs": NotFound("page not found")}
    await live.start()
    assert "you may not; whoever administers the cluster" in live.problems["DriftPolicy"]
    assert "does not know the kind TrainingJob" in live.problems["TrainingJob"]
    assert names(live) == ["a", "b"]
    async with running(live):
        server.errors = {}
        await until(live, lambda: not live.problems)


async def test_where_nothing_can_be_seen_it_does_not_begin(server: Server, live: Live) -> None:
    server.errors = dict.fromkeys(server.names, Unavailable("the Kubernetes API did not answer"))
    with pytest.raises(Unavailable, match="did not answer"):
        await live.start()


async def test_waiting_for_a_change_ends_in_time(live: Live) -> None:
    assert await live.changed(0, 0.01) == 0
    await live.start()
    assert await live.changed(0, 10) == live.version > 0
