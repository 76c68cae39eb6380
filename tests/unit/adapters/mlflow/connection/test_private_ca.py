"""An MLflow with a certificate of a private authority: trusted by who names it, and by nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.errors import Unavailable
from rollmodel.ports.registry import Connection

from tests.support.servers.tls import PrivateTls
from tests.support.servers.web import Web, serve

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def tls(tmp_path: Path) -> PrivateTls:
    return PrivateTls.create(tmp_path)


@pytest.fixture
async def server(tls: PrivateTls) -> AsyncIterator[Web]:
    tags = [{"key": "rollmodel.dev/artifact-digest", "value": DIGEST}]
    version = {"name": "churn", "version": "1", "status": "READY", "source": "s3://b/k", "tags": tags}

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"model_version": version})

    async with serve(answer, tls.server()) as server:
        yield server


@pytest.fixture
async def registry() -> AsyncIterator[Mlflow]:
    registry = Mlflow(timeout=20)
    yield registry
    registry.close()


async def test_it_is_trusted_by_the_connection_that_names_it(server: Web, tls: PrivateTls, registry: Mlflow) -> None:
    trusting = Connection(server.url, ca=tls.pem, namespace="team-a")
    assert (await registry.resolve(trusting, "churn", version="1", alias=None)).digest == DIGEST
    with pytest.raises(Unavailable, match="key `ca` of the connection's Secret") as error:
        await registry.resolve(Connection(server.url, namespace="team-b"), "churn", version="1", alias=None)
    assert error.value.reason == "TlsFailed"
    with pytest.raises(Unavailable, match=r"local issuer certificate.*ROLLMODEL_REGISTRY_CA_FILE"):
        await registry.resolve(Connection(server.url), "churn", version="1", alias=None)
    assert [request.path for request in server.requests].count("/api/2.0/mlflow/model-versions/get") == 1
