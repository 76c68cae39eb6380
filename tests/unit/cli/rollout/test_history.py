"""``rollmodel history``: all decisions in the order of time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from rollmodel.__main__ import main
from rollmodel.cli.common import cluster


def entry(hours_ago: float, version: str, verdict: str = "Promoted", **fields: Any) -> dict[str, Any]:
    moment = (datetime.now(UTC) - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    revisions = {"fromRevision": "aaa", "fromVersion": "1", "toRevision": f"r{version}", "toVersion": version}
    return {"time": moment, "verdict": verdict, **revisions, "reason": "ProvenSafe", "by": "evidence", **fields}


def model(name: str, *history: dict[str, Any], namespace: str = "prod") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "status": {"history": list(history)}}


CHURN = model(
    "churn",
    entry(30, "2"),
    entry(2, "3", "RolledBack", reason="ProvenHarmful: errors", evidence="12/100 candidate, 1/900 stable", attempts=2),
)
FRAUD = model("fraud", entry(5, "7", by="alice"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A cluster with two models; how it was asked."""
    said: list[dict[str, Any]] = []

    async def get(_: object, name: str) -> dict[str, Any]:
        said.append({"name": name})
        return {"churn": CHURN, "fraud": FRAUD, "new": model("new")}[name]

    async def listed(_: object, *, everywhere: bool = False, **selectors: str) -> list[dict[str, Any]]:
        said.append({"everywhere": everywhere, **selectors})
        return [CHURN, FRAUD]

    def run(_: str | None, __: str | None, work: Callable[[Any], Awaitable[Any]]) -> Any:
        coroutine: Any = work(SimpleNamespace(get=get, list=listed))
        try:
            coroutine.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("nothing here waits")

    monkeypatch.setattr(cluster, "run", run)
    monkeypatch.delenv("COLUMNS", raising=False)
    return said


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_of_one_model(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "churn"]) == 0
    head, first, last = words(capsys.readouterr().out)
    assert head == ["TIME", "VERDICT", "VERSION", "WHY", "BY"]
    assert first[1:] == ["Promoted", "1", "→", "2", "ProvenSafe", "evidence"]
    assert last[1:] == ["RolledBack", "3,", "1", "stays", "ProvenHarmful:", "errors", "(2", "times)", "evidence"]
    assert asked == [{"name": "churn"}]


def test_of_all_models_in_the_order_of_time(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "-A", "-o", "wide"]) == 0
    head, *lines = words(capsys.readouterr().out)
    assert head == ["TIME", "NAMESPACE", "MODEL", "VERDICT", "VERSION", "WHY", "BY", "EVIDENCE"]
    assert [line[2] for line in lines] == ["churn", "fraud", "churn"]
    assert lines[-1][-4:] == ["12/100", "candidate,", "1/900", "stable"]
    assert asked == [{"everywhere": True}]


def test_only_of_late(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--since", "6h"]) == 0
    _, *lines = words(capsys.readouterr().out)
    assert [line[1] for line in lines] == ["fraud", "churn"]
    assert main(["history", "churn", "--since", "30m"]) == 0
    assert capsys.readouterr().err == "nothing was decided in this time\n"


def test_for_programs(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "fraud", "-A", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["namespace"], one["name"], one["toVersion"]) for one in found][1] == ("prod", "fraud", "7")
    assert asked == [{"everywhere": True, "fieldSelector": "metadata.name=fraud"}]
    assert main(["history", "new", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_nothing_yet(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "new"]) == 0
    assert capsys.readouterr().err == "nothing was decided yet\n"


@pytest.mark.parametrize("text", ["yesterday", "5", "5w", "-3h", "100000000h"])
def test_a_time_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["history", f"--since={text}"])
    assert "say minutes, hours or days, e.g. 30m, 12h or 7d" in capsys.readouterr().err
