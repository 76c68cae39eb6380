"""Aliases and tags are written, and an alias belongs to who moved it first."""

from __future__ import annotations

import pytest
from aiohttp import web
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.errors import Forbidden, Invalid
from rollmodel.ports.registry import Connection

from tests.support.servers.web import Web
from tests.unit.adapters.mlflow.registry.conftest import FakeMlflow


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
