"""The local copy of a collection, against a scripted API server."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from localcluster.kubeapi import ApiError, KubeApi, Mirror, Object


def item(uid: str, version: int) -> Object:
    return {"metadata": {"uid": uid, "resourceVersion": str(version)}}


def listing(version: int, *items: Object) -> Object:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(items)}


class Script(KubeApi):
    """Answers lists and watches in the order given; a watch is a list of events, an exception breaks it off."""

    def __init__(self, *steps: Any) -> None:
        self._steps = list(steps)
        self.watched_from: list[str] = []
        self.done = asyncio.Event()

    async def request(self, method: str, path: str, body: Object | None = None, **more: Any) -> Object:
        step = self._next()
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, dict)
        return step

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[tuple[str, Object]]:
        self.watched_from.append(query["resourceVersion"])
        if not self._steps:
            self.done.set()
            await asyncio.Event().wait()
        for event in self._next():
            if isinstance(event, Exception):
                raise event
            yield event

    def _next(self) -> Any:
        return self._steps.pop(0)


async def follow(*steps: Any) -> tuple[list[tuple[str | None, str | None]], Script]:
    """Run a mirror to the end of the script: the changes as (old, new), each as uid:version."""
    changes: list[tuple[str | None, str | None]] = []

    def text(found: Object | None) -> str | None:
        return f"{found['metadata']['uid']}:{found['metadata']['resourceVersion']}" if found else None

    script = Script(*steps)
    mirror = Mirror(script, "/things", lambda old, new: changes.append((text(old), text(new))))
    task = asyncio.create_task(mirror.run())
    async with asyncio.timeout(10):
        await script.done.wait()
    task.cancel()
    assert mirror.synced.is_set()
    return changes, script


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([listing(5, item("a", 1), item("b", 2))], [(None, "a:1"), (None, "b:2")]),
        ([listing(5), [("ADDED", item("a", 6)), ("MODIFIED", item("a", 7))]], [(None, "a:6"), ("a:6", "a:7")]),
        ([listing(5, item("a", 1)), [("DELETED", item("a", 6))]], [(None, "a:1"), ("a:1", None)]),
        ([listing(5, item("a", 1)), [("BOOKMARK", item("", 9))]], [(None, "a:1")]),
        ([listing(5, item("a", 1)), [ApiError(410, "gone")], listing(9, item("a", 1))], [(None, "a:1")]),
        (
            [listing(5, item("a", 1)), [ApiError(410, "gone")], listing(9, item("b", 8))],
            [(None, "a:1"), ("a:1", None), (None, "b:8")],
        ),
    ],
    ids=["list", "watch", "deletion", "bookmark", "same after a break", "changed during a break"],
)
async def test_changes(steps: Any, expected: Any) -> None:
    changes, _ = await follow(*steps)
    assert changes == expected


async def test_a_watch_goes_on_where_the_last_one_ended() -> None:
    _, script = await follow(listing(5), [("ADDED", item("a", 6))], [("BOOKMARK", item("", 9))], [])
    assert script.watched_from == ["5", "6", "9", "9"]


async def test_an_api_server_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def no_wait(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr("localcluster.kubeapi.asyncio.sleep", no_wait)
    broken = aiohttp.ClientConnectionError("refused")
    changes, _ = await follow(broken, ApiError(500, "ill"), listing(5, item("a", 1)))
    assert (changes, waits) == ([(None, "a:1")], [1, 1])
