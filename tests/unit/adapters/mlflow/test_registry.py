"""MLflow: pinning versions, digests without downloads, and messages that name the fix."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow import digests as digests_module
from rollmodel.adapters.mlflow import registry as registry_module
from rollmodel.adapters.mlflow.connection import http as http_module
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.api.digest import tree_digest
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError, Unavailable
from rollmodel.ports import Connection
from rollmodel.settings import Settings

from tests.support.live.mlflow_client import configure
from tests.support.servers.silent import hanging, trickling
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


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, Settings(registry_timeout_seconds=5))


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


async def test_an_alias_is_pinned(mlflow: Mlflow, here: Connection) -> None:
    found = await mlflow.resolve(here, "churn", version=None, alias="challenger")
    assert (found.name, found.version, found.source, found.run_id) == ("churn", "1", "models:/m-1", "r")
    assert (found.digest, found.size_bytes) == (DIGEST, sum(map(len, FILES.values())))


async def test_so_is_a_version(mlflow: Mlflow, here: Connection) -> None:
    assert (await mlflow.resolve(here, "churn", version="1", alias=None)).digest == DIGEST


async def test_a_fixed_version_is_asked_for_once(mlflow: Mlflow, here: Connection, server: Web) -> None:
    for _ in range(3):
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert server.paths.count(f"{API}/model-versions/get") == 1


async def test_something_else_than_mlflow_is_not_taken_for_a_missing_alias(
    mlflow: Mlflow, here: Connection, server: Web
) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(status=404, text="<html>nginx</html>")

    server.answer = other
    with pytest.raises(Invalid, match="does not look like MLflow"):
        await mlflow.resolve(here, "churn", version=None, alias="challenger")


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
    ("name", "pin", "message"),
    [
        ("churn", {"version": None, "alias": "nobody"}, "model 'churn' has no alias 'nobody'"),
        ("unknown", {"version": None, "alias": "challenger"}, "Registered Model with name=unknown not found"),
        ("churn", {"version": "7", "alias": None}, "version=7. not found"),
    ],
)
async def test_what_does_not_exist_is_not_found(
    mlflow: Mlflow, here: Connection, name: str, pin: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotFound, match=message):
        await mlflow.resolve(here, name, **pin)


async def test_a_version_that_is_being_registered_is_worth_waiting_for(
    mlflow: Mlflow, here: Connection, backend: FakeMlflow
) -> None:
    backend.status = "PENDING_REGISTRATION"
    with pytest.raises(Unavailable) as waiting:
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert waiting.value.reason == "VersionPending"
    backend.status = "FAILED_REGISTRATION"
    with pytest.raises(Invalid):
        await mlflow.resolve(here, "churn", version="1", alias=None)


async def test_the_host_check_names_its_fix(mlflow: Mlflow, here: Connection, server: Web) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=403, text="Invalid Host header - possible DNS rebinding attack detected")

    server.answer = refuse
    host = here.url.removeprefix("http://")
    with pytest.raises(Forbidden, match=f"add '{host}' to its allowed hosts") as error:
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert "MLFLOW_SERVER_ALLOWED_HOSTS" in str(error.value)
    assert error.value.reason == "HostNotAllowed"


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (401, '{"error_code": "UNAUTHENTICATED", "message": "who are you"}', Forbidden),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "not you"}', Forbidden),
        (403, "<html>not you</html>", Forbidden),
        (429, '{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slowly"}', Unavailable),
        (500, '{"error_code": "INTERNAL_ERROR", "message": "oops"}', Unavailable),
        (503, "{}", Unavailable),
        (302, "moved", Invalid),
        (404, "<html>nginx</html>", Invalid),
        (200, "<html>welcome</html>", RollmodelError),
    ],
)
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


async def test_aliases_and_tags_are_written(mlflow: Mlflow, here: Connection, backend: FakeMlflow) -> None:
    await mlflow.set_tags(here, "churn", "1", {"rollmodel.dev/verdict": "Promoted", "b": "2"})
    await mlflow.set_alias(here, "churn", "champion", "1")
    version = {"name": "churn", "version": "1"}
    assert backend.written == [
        ("/model-versions/set-tag", {**version, "key": "rollmodel.dev/verdict", "value": "Promoted"}),
        ("/model-versions/set-tag", {**version, "key": "b", "value": "2"}),
        ("/registered-models/alias", {**version, "alias": "champion"}),
    ]


@pytest.mark.parametrize("other", [{"name": "$(MLFLOW_TRACKING_TOKEN)"}, {"version": "2"}, {"version": "1/../x"}])
async def test_an_answer_about_another_version_is_no_answer(
    mlflow: Mlflow, here: Connection, server: Web, other: dict[str, str]
) -> None:
    async def answer(_: web.Request) -> web.Response:
        version = {"name": "churn", "version": "1", "source": "models:/m-1", "run_id": "r", "status": "READY"}
        return web.json_response({"model_version": {**version, **other}})

    server.answer = answer
    with pytest.raises(Invalid) as refused:
        await mlflow.resolve(here, "churn", version="1", alias=None)
    assert refused.value.reason == "NotMlflow"


ALIAS_OWNER = "rollmodel.dev/alias-owner/champion"


async def test_who_moves_an_alias_first_has_it(mlflow: Mlflow, here: Connection, backend: FakeMlflow) -> None:
    for _ in range(2):
        await mlflow.set_alias(here, "churn", "champion", "1", owner="prod")
    claim = {"name": "churn", "key": ALIAS_OWNER, "value": "prod"}
    assert [asked for page, asked in backend.written if page == "/registered-models/set-tag"] == [claim]
    with pytest.raises(Forbidden, match="belongs to namespace 'prod'") as refused:
        await mlflow.set_alias(here, "churn", "champion", "1", owner="team-b")
    assert refused.value.reason == "OwnedByAnother"
    assert [page for page, _ in backend.written].count("/registered-models/alias") == 2


async def test_of_two_that_claim_an_alias_at_once_one_moves_it(
    mlflow: Mlflow, here: Connection, backend: FakeMlflow
) -> None:
    """Nobody has it when it is asked for, and somebody has when our own claim was written."""

    class Late(dict[str, str]):
        def setdefault(self, key: str, default: str = "") -> str:
            self[key] = "another"
            return "another"

    backend.of_model = Late()
    with pytest.raises(Forbidden, match="belongs to namespace 'another'"):
        await mlflow.set_alias(here, "churn", "champion", "1", owner="prod")
    assert "/registered-models/alias" not in [page for page, _ in backend.written]


async def test_a_followed_alias_is_asked_for_once(mlflow: Mlflow, here: Connection, server: Web) -> None:
    handle = mlflow.follow(here, "churn", "challenger", lambda: None)
    for _ in range(5):
        await mlflow.resolve(here, "churn", version=None, alias="challenger")
    handle.close()
    assert server.paths.count(f"{API}/registered-models/alias") == 1


async def test_nothing_is_written_to_disk(
    mlflow: Mlflow, here: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    await mlflow.resolve(here, "churn", version="1", alias=None)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - not blocking in a test
