"""Another operator of the cluster is told in the log of the one that begins."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from rollmodel.errors import Forbidden
from rollmodel.runtime.operators.others import warn_of_others
from rollmodel.settings import Settings


class Server:
    """Answers with these Deployments."""

    def __init__(self, *found: Any, error: Exception | None = None) -> None:
        self.found, self.error, self.asked = list(found), error, 0

    async def pages(self, path: str, query: dict[str, str]) -> list[Any]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.found


def deployment(name: str, namespace: str = "rollmodel-system", **variables: str) -> dict[str, Any]:
    env = [{"name": f"ROLLMODEL_{variable}", "value": value} for variable, value in variables.items()]
    spec = {"template": {"spec": {"containers": [{"name": "operator", "env": env}]}}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


class Ours(Settings):
    """Of an operator in its usual namespace."""

    @property
    def own_namespace(self) -> str:
        return "rollmodel-system"


async def found(server: Server, **settings: Any) -> list[str]:
    others = await warn_of_others(server, Ours(**settings), pod="rollmodel-7d9f-x")  # type: ignore[arg-type]
    return [str(one) for one in others]


async def test_one_that_works_in_the_same_namespaces_is_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    server = Server(deployment("rollmodel"), deployment("second", "other"), deployment("rollmodel", "third"))
    assert await found(server) == ["other/second", "third/rollmodel"]
    assert "Deployment other/second is another operator" in caplog.text
    assert "watch.shard" in caplog.text


async def test_shards_are_no_rivals() -> None:
    server = Server(deployment("a", SHARD="a"), deployment("rollmodel", SHARD="default"), deployment("all"))
    election = {"shard": "default", "leader_election": "On", "lease_namespace": "rollmodel-system"}
    assert await found(server, **election) == ["rollmodel-system/all"]


async def test_a_name_that_begins_like_ours_is_another_one() -> None:
    server = Server(deployment("rollmodel"), deployment("rollmodel-7d9f"))
    assert await found(server) == ["rollmodel-system/rollmodel-7d9f"]


async def test_without_the_right_or_without_the_whole_cluster_nobody_is_looked_for() -> None:
    assert await found(Server(error=Forbidden("no"))) == []
    server = Server(deployment("second"))
    assert await found(server, namespaces=["team-a"]) == []
    assert server.asked == 0
