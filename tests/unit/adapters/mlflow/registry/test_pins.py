"""What an alias or a version is pinned to, and what is waited for."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.errors import Invalid, NotFound, Unavailable
from rollmodel.ports.registry import Connection

from tests.support.servers.web import Web
from tests.unit.adapters.mlflow.registry.conftest import API, DIGEST, FILES, FakeMlflow


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


async def test_a_followed_alias_is_asked_for_once(mlflow: Mlflow, here: Connection, server: Web) -> None:
    handle = mlflow.follow(here, "churn", "challenger", lambda: None)
    for _ in range(5):
        await mlflow.resolve(here, "churn", version=None, alias="challenger")
    handle.close()
    assert server.paths.count(f"{API}/registered-models/alias") == 1
