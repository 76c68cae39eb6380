"""`rollmodel wait` as people call it, on a made-up stream of one object."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from rollmodel.__main__ import main
from rollmodel.cli.common import cluster
from rollmodel.cli.rollout import wait
from rollmodel.errors import Forbidden, NotFound

LONG_AGO = "2026-01-01T00:00:00Z"


def served(version: str, *, refreshed: str | None = "now") -> dict[str, Any]:
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": "Good",
            "message": message,
            "lastTransitionTime": LONG_AGO,
        }
        for kind, message in (("Ready", f"v{version} serves"), ("ModelResolved", ""))
    ]
    status = {"observedGeneration": 1, "conditions": conditions, "stable": {"revision": "aaa", "modelVersion": version}}
    metadata = {"name": "churn", "generation": 1, "annotations": {"rollmodel.dev/refresh": "now"}}
    return {"kind": "ModelDeployment", "metadata": metadata, "status": {**status, "refreshed": refreshed}}


class Server:
    """Takes the wish for a look; ``refuses`` it where the login may not write."""

    def __init__(self) -> None:
        self.wishes: list[Any] = []
        self.refuses = False

    async def request(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        if self.refuses:
            raise Forbidden("no")
        self.wishes.append(given["body"])
        return {}


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The server, and the list of what the object is like; at its end nothing more happens."""
    server = Server()
    looks: list[Any] = []

    async def follow(*_: Any) -> AsyncGenerator[Any, None]:
        for look in looks:
            if isinstance(look, Exception):
                raise look
            yield look
        await asyncio.Event().wait()

    class Session:
        namespace = "prod"

        def __init__(self) -> None:
            self.server = server

        async def get(self, *_: Any) -> dict[str, Any]:
            return {}

    def run(namespace: Any, kubeconfig: Any, work: Callable[[Any], Awaitable[Any]]) -> Any:
        return asyncio.run(work(Session()))  # type: ignore[arg-type]

    monkeypatch.setattr(cluster, "run", run)
    monkeypatch.setattr(wait, "follow", follow)
    monkeypatch.setattr(wait, "SILENCE_SECONDS", 0.01)
    return server, looks


def test_it_has_the_registry_read_before_it_answers(stream: Any, capsys: Any) -> None:
    server, looks = stream
    looks += [served("1", refreshed=None), served("1")]
    assert main(["wait", "churn"]) == 0
    assert [*server.wishes[0]["metadata"]["annotations"]] == ["rollmodel.dev/refresh"]
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("waits until the operator has read the registry")
    assert said[-1] == "v1 serves; v1: it is stable"


def test_the_old_version_is_no_answer(stream: Any, capsys: Any) -> None:
    _, looks = stream
    looks += [served("1")]
    assert main(["wait", "churn", "--version", "v2", "--for", "promoted", "--timeout", "0.2"]) == 3
    told = capsys.readouterr()
    assert told.err == "rollmodel wait: promoted of v2: not known within 0.2 s\n"
    assert len(told.out.splitlines()) > 2  # it is never silent for long


def test_a_rollout_that_is_written_often_and_goes_on_as_before_is_told_of(
    stream: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A pass each two seconds writes evidence, and what goes on stays the same."""
    _, looks = stream
    seconds = count(0, 2)
    monkeypatch.setattr(wait, "SILENCE_SECONDS", 10.0)
    monkeypatch.setattr(wait, "now", lambda: next(seconds))
    looks += [served("1")] * 30 + [served("2")]
    assert main(["wait", "churn", "--version", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) in range(5, 20)


def test_it_ended_otherwise(stream: Any, capsys: Any) -> None:
    _, looks = stream
    looks += [served("2")]
    assert main(["wait", "churn", "--version", "2", "--for", "rolled-back"]) == 1
    assert capsys.readouterr().out.endswith("v2: it is stable\n")


def test_a_reader_is_told_what_may_be_missed(stream: Any, capsys: Any) -> None:
    server, looks = stream
    server.refuses = True
    looks += [served("1")]
    assert main(["wait", "churn"]) == 0
    assert "an alias that just moved may be missed" in capsys.readouterr().err


def test_an_object_that_is_deleted(stream: Any, capsys: Any) -> None:
    _, looks = stream
    looks += [served("1"), NotFound("ModelDeployment 'churn' was deleted")]
    assert main(["wait", "churn", "--version", "2"]) == 1
    assert "was deleted" in capsys.readouterr().err
