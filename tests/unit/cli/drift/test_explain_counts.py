"""``rollmodel explain`` of a DriftPolicy with ``source.counts``: from the ConfigMap, and never from Prometheus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from rollmodel.cli.common import cluster
from rollmodel.cli.rollout import explain
from rollmodel.errors import Forbidden

from tests.reconcile.drift.test_counts import COUNTS, MAP, Job, hours
from tests.support.simulation.drifting import HOUR, DriftWorld, rows_of

#: Nobody listens there.
PROMETHEUS = "http://127.0.0.1:9"


class Objects:
    """A login to a cluster with these objects."""

    def __init__(self, policy: dict[str, Any], counts: dict[str, Any] | None) -> None:
        self.found = {"driftpolicies": policy, "configmaps": counts}

    async def get(self, resource: Any, name: str) -> dict[str, Any]:
        manifest = self.found[resource.plural]
        if manifest is None:
            raise Forbidden("you may not get configmaps")
        assert manifest["metadata"]["name"] == name
        return manifest


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Objects:
    """A policy that has seen drift in counts."""

    async def play() -> Objects:
        world = DriftWorld(lambda rng, hour: rows_of(rng, 300, age=40.0 if hour < 11 else 50.0))
        ref = world.policy(source=COUNTS, windowSeconds=[HOUR])
        await hours(world, Job(world), ref, world.operator(), 14)
        policy = json.loads(json.dumps(world.kube.objects[ref] | {"kind": "DriftPolicy"}))
        policy["metadata"]["creationTimestamp"] = world.start.isoformat()
        return Objects(policy, world.kube.objects[MAP])

    objects = asyncio.run(play())

    def run(namespace: str | None, kubeconfig: str | None, work: Callable[[Any], Awaitable[Any]]) -> Any:
        return asyncio.run(work(objects))  # type: ignore[arg-type]

    monkeypatch.setattr(cluster, "run", run)
    return objects


def test_distributions_come_from_the_config_map(
    told: Objects, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html = tmp_path / "page.html"
    assert explain.main(["dpol", "watch", "--prometheus", PROMETHEUS, "--html", str(html)]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "What it can see" in shown.out
    assert "IN TRAINING" in shown.out
    assert html.read_text().count("<figure") == 4


def test_without_the_right_to_read_it_the_rest_is_shown(told: Objects, capsys: pytest.CaptureFixture[str]) -> None:
    told.found["configmaps"] = None
    assert explain.main(["dpol", "watch"]) == 0
    shown = capsys.readouterr()
    assert "features/age" in shown.out
    assert "IN TRAINING" not in shown.out
    assert shown.err == "rollmodel explain: distributions are not shown: you may not get configmaps\n"


def test_counts_that_are_no_more_those_of_the_look(told: Objects, capsys: pytest.CaptureFixture[str]) -> None:
    assert told.found["driftpolicies"] is not None
    told.found["driftpolicies"]["status"]["profile"]["digest"] = "sha256:other"
    assert explain.main(["dpol", "watch"]) == 0
    assert "the counts are of another profile than the policy has looked at" in capsys.readouterr().err


def test_a_file_has_no_config_map(told: Objects, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(told.found["driftpolicies"]))
    assert explain.main(["--file", str(path), "--prometheus", PROMETHEUS]) == 0
    assert "features/age" in capsys.readouterr().out
