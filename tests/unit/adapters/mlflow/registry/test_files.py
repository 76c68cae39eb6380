"""Digests of files in the registry: read once, by tag without reading, within limits."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow import digests as digests_module
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.errors import Forbidden, Invalid, NotFound, Unavailable
from rollmodel.ports.registry import Connection
from rollmodel.slots import Pass, Slots

from tests.support.servers.web import Web
from tests.unit.adapters.mlflow.registry.conftest import API, DIGEST, FILES, PROXY, FakeMlflow


async def test_files_are_read_once(mlflow: Mlflow, here: Connection, server: Web) -> None:
    for _ in range(3):
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert sum(path.startswith(f"{PROXY}/") for path in server.paths) == len(FILES)


async def test_a_digest_by_tag_reads_nothing(
    mlflow: Mlflow, here: Connection, server: Web, backend: FakeMlflow
) -> None:
    backend.tags["rollmodel.dev/artifact-digest"] = f"sha256:{'a' * 64}"
    found = await mlflow.resolve(here, "churn", version="1", alias=None)
    assert found.digest == f"sha256:{'a' * 64}"
    assert not any(path.startswith(PROXY) for path in server.paths)


async def test_a_tag_that_is_no_digest_is_refused(mlflow: Mlflow, here: Connection, backend: FakeMlflow) -> None:
    backend.tags["rollmodel.dev/artifact-digest"] = "sha256:short"
    with pytest.raises(Invalid, match="64 hex digits"):
        await mlflow.resolve(here, "churn", version="1", alias=None)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://bucket/model", "DigestUnknown"),
        ("/data/artifacts/1", "DigestUnknown"),
        ("file:///etc", "DigestUnknown"),
        ("mlflow-artifacts://evil.example/1", "ForeignArtifacts"),
    ],
)
async def test_files_elsewhere_are_not_read(
    mlflow: Mlflow, here: Connection, backend: FakeMlflow, uri: str, reason: str
) -> None:
    backend.uri = uri
    with pytest.raises(Invalid) as error:
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert error.value.reason == reason


async def test_a_model_that_is_too_large_is_not_read(
    mlflow: Mlflow, here: Connection, server: Web, backend: FakeMlflow
) -> None:
    """Sizes are added up first: not even the small files that are listed before the huge one are read."""
    backend.files |= {"huge": b"\x00" * 10_001}
    with pytest.raises(Invalid, match="larger than the 10000 bytes"):
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert not any(path.startswith(f"{PROXY}/") for path in server.paths)


async def test_a_registry_that_lists_no_sizes_is_read_once_and_then_refused(
    mlflow: Mlflow, here: Connection, server: Web, backend: FakeMlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading up to the limit is dear: the refusal is remembered, and said to whoever comes later."""
    monkeypatch.setattr(digests_module, "PATIENCE_SECONDS", 0.0)
    backend.files = {"huge": b"\x00" * 20_001}
    backend.sizes = False
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await mlflow.resolve(here, "churn", version="1", alias=None)
        while mlflow._digests._readings:  # noqa: ASYNC110 - nobody waits for it any more
            await asyncio.sleep(0.01)
    for _ in range(12):
        with pytest.raises(Invalid, match="larger than the 10000 bytes") as error:
            await mlflow.resolve(here, "churn", version="1", alias=None)
        assert error.value.reason == "TooLargeToDigest"
    assert sum(path.startswith(f"{PROXY}/") for path in server.paths) == 1


async def test_what_failed_is_tried_again_after_a_while(
    mlflow: Mlflow, here: Connection, backend: FakeMlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests_module, "PAUSE_SECONDS", 0.0)
    files, backend.files = backend.files, {}
    with pytest.raises(NotFound, match="no files"):
        await mlflow.resolve(here, "churn", version="1", alias=None)
    backend.files = files
    async with asyncio.timeout(10):
        while True:
            try:
                found = await mlflow.resolve(here, "churn", version="1", alias=None)
            except NotFound:
                await asyncio.sleep(0.05)  # the more it cost, the longer it is believed
            else:
                break
    assert found.digest == DIGEST


@pytest.mark.parametrize("name", ["..", "", "."])
async def test_a_listing_with_impossible_names_is_refused(
    mlflow: Mlflow, here: Connection, server: Web, backend: FakeMlflow, name: str
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == PROXY:
            return web.json_response({"files": [{"path": name, "is_dir": True}]})
        return await backend.answer(request)

    server.answer = answer
    with pytest.raises(Invalid, match="impossible name"):
        await mlflow.resolve(here, "churn", version="1", alias=None)


async def test_a_version_without_files_is_not_found(mlflow: Mlflow, here: Connection, backend: FakeMlflow) -> None:
    backend.files.clear()
    with pytest.raises(NotFound, match="no files"):
        await mlflow.resolve(here, "churn", version="1", alias=None)


async def test_a_digest_that_takes_long_is_asked_for_again(
    mlflow: Mlflow, here: Connection, server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests_module, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(Unavailable) as error:
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert error.value.reason == "Digesting"
    monkeypatch.setattr(digests_module, "PATIENCE_SECONDS", 10.0)
    assert (await mlflow.resolve(here, "churn", version="1", alias=None)).digest == DIGEST
    assert sum(path.startswith(f"{PROXY}/") for path in server.paths) == len(FILES)


async def test_nothing_is_written_to_disk(
    mlflow: Mlflow, here: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    await mlflow.resolve(here, "churn", version="1", alias=None)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - not blocking in a test


class Stuck:
    """A proxy that begins to send a file and goes on only when it is told to; which logins asked for files."""

    def __init__(self, server: Web, backend: FakeMlflow) -> None:
        self._usual = backend.answer
        self.begun, self.go_on, self.cut = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.logins: list[str] = []
        server.answer = self.answer

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith(f"{PROXY}/"):
            return await self._usual(request)
        self.logins.append(request.headers["Authorization"])
        if self.go_on.is_set():
            return await self._usual(request)
        response = web.StreamResponse()
        await response.prepare(request)
        self.begun.set()
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.cut.set()
        return response


async def test_a_login_that_is_taken_away_ends_what_is_read_with_it(
    mlflow: Mlflow, here: Connection, server: Web, backend: FakeMlflow
) -> None:
    """A large model takes up to an hour: its socket is shut, and who waited comes again with another login."""
    stuck = Stuck(server, backend)
    waiting = asyncio.create_task(mlflow.resolve(here, "churn", version="1", alias=None))
    async with asyncio.timeout(10):
        await stuck.begun.wait()
        mlflow.abandon(Connection(server.url, token="of another"))
        mlflow.abandon(here)
        with pytest.raises(Unavailable, match="login changed") as error:
            await waiting
        assert error.value.reason == "Digesting"
        await stuck.cut.wait()
    stuck.go_on.set()
    renewed = Connection(server.url, token="new")
    assert (await mlflow.resolve(renewed, "churn", version="1", alias=None)).digest == DIGEST
    assert stuck.logins == ["Bearer hunter2", *["Bearer new"] * len(FILES)]


async def test_what_one_login_may_not_read_says_nothing_about_another(
    mlflow: Mlflow, here: Connection, server: Web, backend: FakeMlflow
) -> None:
    """A tenant that may list versions, but not read files, would have denied the model to all others for a while."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith(PROXY) and request.headers["Authorization"] == "Bearer weak":
            return web.Response(status=403)
        return await backend.answer(request)

    server.answer = answer
    with pytest.raises(Forbidden):
        await mlflow.resolve(Connection(server.url, token="weak"), "churn", version="1", alias=None)
    assert (await mlflow.resolve(here, "churn", version="1", alias=None)).digest == DIGEST
    read = len(server.paths)
    again = await mlflow.resolve(Connection(server.url, token="third"), "churn", version="1", alias=None)
    assert again.digest == DIGEST
    assert not any(path.startswith(PROXY) for path in server.paths[read:]), "what was read is known to all who may ask"


async def test_large_models_of_one_namespace_do_not_keep_another_one_waiting(
    mlflow: Mlflow, server: Web, backend: FakeMlflow
) -> None:
    """Both share the operator's login. The first asks for twenty models whose files do not end, and for the other's."""
    ours, stuck = Connection(server.url), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = dict(request.query)
        if request.path == f"{API}/model-versions/get":
            version = {"name": asked["name"], "version": asked["version"], "source": "models:/m-1", "status": "READY"}
            return web.json_response({"model_version": version})
        if request.path == f"{API}/model-versions/get-download-uri":
            return web.json_response({"artifact_uri": f"mlflow-artifacts:/{asked['name']}"})
        if request.path == PROXY:
            return web.json_response({"files": [{"path": "MLmodel", "is_dir": False, "file_size": 1}]})
        if "large" in request.path:
            await stuck.wait()
        return web.Response(body=b"x")

    async def pinned(slots: Slots, tenant: str, name: str) -> str:
        async with slots.slot(Pass(tenant, name)):
            return (await mlflow.resolve(ours, name, version="1", alias=None)).digest

    server.answer = answer
    slots = Slots(64)
    greedy = [asyncio.create_task(pinned(slots, "greedy", f"large-{one}")) for one in range(20)]
    greedy.append(asyncio.create_task(pinned(slots, "greedy", "small")))
    async with asyncio.timeout(10):
        while not any("large" in path for path in server.paths):  # noqa: ASYNC110 - a thread asks
            await asyncio.sleep(0.01)
        assert (await pinned(slots, "honest", "small")).startswith("sha256:")
    stuck.set()
    await asyncio.gather(*greedy)
