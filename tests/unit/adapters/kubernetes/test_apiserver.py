"""HTTP to the API server: what its answers mean."""

from __future__ import annotations

import json
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration
from rollmodel.adapters.kubernetes.answers import MAX_RETRY_AFTER
from rollmodel.adapters.kubernetes.apiserver import ApiServer, Expired, use_small_buffers
from rollmodel.adapters.kubernetes.kinds import Resource, resource_of
from rollmodel.errors import Conflict, Forbidden, Invalid, NotFound, RollmodelError, Unavailable

from tests.support.servers.tls import PrivateTls
from tests.support.servers.web import Web, serve


@pytest.fixture
async def server() -> AsyncIterator[Web]:
    async def nothing(request: web.Request) -> web.Response:
        return web.json_response({})

    async with serve(nothing) as server:
        yield server


@pytest.fixture
async def api(server: Web) -> AsyncIterator[ApiServer]:
    api = ApiServer(ApiClient(Configuration(host=server.url, api_key={"BearerToken": "Bearer hunter2"})), timeout=5)
    yield api
    await api.close()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Invalid),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, Expired),
        (413, Invalid),
        (422, Invalid),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
async def test_errors_carry_the_servers_words(
    server: Web, api: ApiServer, status: int, expected: type[RollmodelError]
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"kind": "Status", "message": "because of this"}, status=status)

    server.answer = refuse
    with pytest.raises(expected, match="because of this") as error:
        await api.request("GET", "/api/v1/pods")
    assert type(error.value) is expected


@pytest.mark.parametrize("body", [b"", b"<html>proxy error</html>", b"[]", b'{"message": 7}'])
async def test_an_error_that_is_no_status_is_one_all_the_same(server: Web, api: ApiServer, body: bytes) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(body=body, status=502)

    server.answer = refuse
    with pytest.raises(Unavailable, match="HTTP 502"):
        await api.request("GET", "/api/v1/pods")


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("86400", MAX_RETRY_AFTER), ("soon", None), (None, None)])
async def test_retry_after_is_obeyed_within_reason(
    server: Web, api: ApiServer, header: str | None, seconds: float | None
) -> None:
    async def busy(request: web.Request) -> web.Response:
        return web.json_response({}, status=429, headers={"Retry-After": header} if header else {})

    server.answer = busy
    with pytest.raises(Unavailable) as error:
        await api.request("GET", "/api/v1/pods")
    assert error.value.retry_after == seconds


async def test_an_answer_that_is_cut_is_no_answer(server: Web, api: ApiServer) -> None:
    async def cut(request: web.Request) -> web.Response:
        return web.Response(body=b'{"items": [')

    server.answer = cut
    with pytest.raises(Unavailable):
        await api.request("GET", "/api/v1/pods")


async def test_nobody_there_is_unavailable() -> None:
    api = ApiServer(ApiClient(Configuration(host="http://127.0.0.1:1")))
    try:
        with pytest.raises(Unavailable, match="did not answer"):
            await api.request("GET", "/api/v1/pods")
    finally:
        await api.close()


async def test_a_request_is_sent_as_it_was_meant(server: Web, api: ApiServer) -> None:
    await api.request(
        "PATCH", "/x", query={"force": "true"}, body={"a": [1]}, content_type="application/apply-patch+yaml"
    )
    (request,) = server.requests
    assert (request.method, request.path_qs) == ("PATCH", "/x?force=true")
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert request.headers["Authorization"] == "Bearer hunter2"
    assert request.headers["User-Agent"].startswith("rollmodel/")
    assert json.loads(await request.read()) == {"a": [1]}


async def test_only_whole_lines_come_from_a_stream(server: Web, api: ApiServer) -> None:
    async def stream(request: web.Request) -> web.Response:
        return web.Response(body=b'{"a": 1}\n{"b": 2}\n{"c": ')

    server.answer = stream
    assert [line async for line in api.lines("/x", query={}, silence=5)] == [b'{"a": 1}\n', b'{"b": 2}\n']


async def test_a_large_answer_comes_through_small_buffers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SSLProtocol, "max_size", SSLProtocol.max_size)
    use_small_buffers()
    private, large = PrivateTls.create(tmp_path), "x" * 2**20

    async def much(request: web.Request) -> web.Response:
        return web.json_response({"large": large})

    async with serve(much, private.server()) as server:
        configuration = Configuration(host=server.url)
        configuration.ssl_ca_cert = str(private.ca)
        api = ApiServer(ApiClient(configuration), timeout=30)
        try:
            assert await api.request("GET", "/api/v1/pods") == {"large": large}
        finally:
            await api.close()
    assert SSLProtocol.max_size == 2**15


async def test_the_session_for_kopf_is_logged_in_too(server: Web, api: ApiServer) -> None:
    async with api.session(connections=1) as session, session.get(f"{server.url}/api") as answer:
        assert answer.status == 200
    assert server.requests[0].headers["Authorization"] == "Bearer hunter2"
    assert api.url == server.url


async def test_without_a_login_it_says_so(tmp_path: object) -> None:
    with pytest.raises(Invalid, match="kubeconfig"):
        await ApiServer.connect(f"{tmp_path}/nothing")


@pytest.mark.parametrize(
    ("resource", "arguments", "path"),
    [
        (("v1", "Service"), (), "/api/v1/services"),
        (("v1", "Service"), ("team",), "/api/v1/namespaces/team/services"),
        (("apps/v1", "Deployment"), ("team", "churn"), "/apis/apps/v1/namespaces/team/deployments/churn"),
        (("v1", "Secret"), ("team", "../../x"), "/api/v1/namespaces/team/secrets/..%2F..%2Fx"),
        (
            ("rollmodel.dev/v1alpha1", "ModelDeployment"),
            ("team", "churn", "status"),
            "/apis/rollmodel.dev/v1alpha1/namespaces/team/modeldeployments/churn/status",
        ),
    ],
)
def test_paths(resource: tuple[str, str], arguments: tuple[str, ...], path: str) -> None:
    found: Resource = resource_of(*resource)
    assert found.path(*arguments) == path


def test_other_kinds_are_none_of_our_business() -> None:
    with pytest.raises(Invalid, match="not a kind that the operator handles"):
        resource_of("rbac.authorization.k8s.io/v1", "ClusterRole")
