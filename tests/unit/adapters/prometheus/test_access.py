"""A Prometheus as others run it: behind a private authority, client certificates, tenants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from rollmodel.adapters.prometheus.access import Access, Login
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.errors import Forbidden, Unavailable
from rollmodel.ports.prometheus import Series

from tests.support.servers.tls import PrivateTls
from tests.support.servers.web import Web, serve

ANSWER = {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[10, "1"]]}]}}


async def answer(request: web.Request) -> web.Response:
    return web.json_response(ANSWER)


async def ask(url: str, access: Access, login: Login | None = None) -> object:
    prometheus = Prometheus(url, access=access, login=login, timeout=5)
    try:
        return await prometheus.query_range("up", start=0, end=10, step=10)
    finally:
        prometheus.close()


@pytest.fixture
def tls(tmp_path: Path) -> PrivateTls:
    return PrivateTls.create(tmp_path)


@pytest.fixture
async def server(tls: PrivateTls) -> AsyncIterator[Web]:
    async with serve(answer, tls.server()) as server:
        yield server


async def test_a_private_authority_is_trusted_where_it_is_named(server: Web, tls: PrivateTls) -> None:
    assert await ask(server.url, Access(ca_file=tls.ca)) == [Series({}, [(10.0, 1.0)])]


async def test_without_it_the_message_says_which_setting(server: Web) -> None:
    with pytest.raises(Unavailable, match=r"local issuer certificate.*ROLLMODEL_PROMETHEUS_CA_FILE") as error:
        await ask(server.url, Access())
    assert error.value.reason == "TlsFailed"
    assert server.requests == []


async def test_another_authority_is_not_enough(server: Web, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(Unavailable, match="no TLS connection"):
        await ask(server.url, Access(ca_file=PrivateTls.create(tmp_path / "other").ca))


async def test_a_client_certificate_is_shown(tls: PrivateTls) -> None:
    certificate, key = tls.client
    both = tls.folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    async with serve(answer, tls.server(asks_for_clients=True)) as server:
        assert await ask(server.url, Access(ca_file=tls.ca, certificate_file=certificate, key_file=key))
        assert await ask(server.url, Access(ca_file=tls.ca, certificate_file=both))
        with pytest.raises(Unavailable):
            await ask(server.url, Access(ca_file=tls.ca))


async def test_headers_go_with_each_query_beside_the_login(server: Web, tls: PrivateTls) -> None:
    access = Access(ca_file=tls.ca, headers={"X-Scope-OrgID": "team-a"})
    await ask(server.url, access, Login(token="hunter2"))
    headers = server.requests[0].headers
    assert (headers["X-Scope-OrgID"], headers["Authorization"]) == ("team-a", "Bearer hunter2")
    assert "team-a" not in repr(access)


@pytest.mark.parametrize("status", [400, 401])
async def test_a_missing_tenant_is_told_apart_from_a_refused_login(status: int) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status, text="no org id\n")

    async with serve(refuse) as server:
        with pytest.raises(Forbidden, match="ROLLMODEL_PROMETHEUS_HEADERS") as error:
            await ask(server.url, Access())
    assert error.value.reason == "NoTenant"
