"""The Lease as it is read and written over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.leases import Leases
from rollmodel.errors import Conflict
from rollmodel.plan.operators.election import Claim, Lease

from tests.support.servers.web import serve

COLLECTION = "/apis/coordination.k8s.io/v1/namespaces/house/leases"


class Stored:
    """The API server's end: one Lease, with resourceVersions."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.requests: list[tuple[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path))
        if request.method == "GET":
            return web.json_response(self.lease or {}, status=200 if self.lease else 404)
        written = await request.json()
        before = written["metadata"].pop("resourceVersion", None)
        if before != (str(self.version) if self.lease else None):
            return web.json_response({"message": "the object has been modified"}, status=409)
        self.version += 1
        # Items of the API carry no kind of their own where they are in a list; here they do, or not, as it likes.
        self.lease = {
            "metadata": {**written["metadata"], "resourceVersion": str(self.version)},
            "spec": written["spec"],
        }
        return web.json_response(self.lease)


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
async def leases(stored: Stored) -> AsyncIterator[Leases]:
    async with serve(stored.answer) as server:
        api = ApiServer(ApiClient(Configuration(host=server.url)), timeout=5)
        yield Leases(api, "house", "rollmodel")
        await api.close()


async def test_it_is_made_renewed_and_released(leases: Leases, stored: Stored) -> None:
    assert await leases.read() is None
    made = await leases.write(Claim(None, "one", 10, 0, taken=True))
    assert made == await leases.read() == Lease("1", "one", 10, 0)
    assert stored.lease is not None
    acquired, renewed = stored.lease["spec"]["acquireTime"], stored.lease["spec"]["renewTime"]
    assert acquired == renewed
    await leases.write(Claim("1", "one", 10, 0, taken=False))
    assert stored.lease["spec"]["acquireTime"] == acquired
    assert stored.lease["spec"]["renewTime"] > renewed
    released = await leases.write(Claim("2", "", 10, 0, taken=False))
    assert released == Lease("3", "", 10, 0)
    assert [method for method, _ in stored.requests] == ["GET", "POST", "GET", "PUT", "PUT"]
    assert {path for method, path in stored.requests if method == "POST"} == {COLLECTION}
    assert {path for method, path in stored.requests if method == "PUT"} == {f"{COLLECTION}/rollmodel"}


async def test_what_others_wrote_at_it_stays(leases: Leases, stored: Stored) -> None:
    await leases.write(Claim(None, "one", 10, 0, taken=True))
    assert stored.lease is not None
    stored.lease["metadata"]["labels"] = {"team": "platform"}
    await leases.read()
    await leases.write(Claim("1", "one", 10, 0, taken=False))
    assert stored.lease["metadata"]["labels"] == {"team": "platform"}


async def test_of_two_that_take_it_one_fails(leases: Leases) -> None:
    await leases.write(Claim(None, "one", 10, 0, taken=True))
    await leases.write(Claim("1", "two", 10, 1, taken=True))
    with pytest.raises(Conflict):
        await leases.write(Claim("1", "three", 10, 1, taken=True))


async def test_one_that_somebody_emptied_is_nobodys(leases: Leases, stored: Stored) -> None:
    stored.lease = {"metadata": {"name": "rollmodel", "resourceVersion": "7"}}
    assert await leases.read() == Lease("7", "", 0, 0)
