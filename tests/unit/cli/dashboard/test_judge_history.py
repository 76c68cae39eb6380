"""Evidence over time, from statuses as they come and from Prometheus."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.cli.dashboard import judge_history as module
from rollmodel.cli.dashboard.judge_history import JudgeHistory
from rollmodel.errors import Unavailable
from rollmodel.evidence import judge

from tests.support.simulation.rollouts import Cluster
from tests.unit.cli.backtest.test_recording import Remembered
from tests.unit.cli.dashboard.conftest import NOW


def document(cluster: Cluster) -> dict[str, Any]:
    metadata = {"name": "churn", "namespace": "prod"}
    status = json.loads(json.dumps(cluster.status))
    return {"kind": "ModelDeployment", "metadata": metadata, "spec": cluster.spec.to_wire(), "status": status}


def test_each_window_counts_once(trying: Callable[[float], Cluster]) -> None:
    cluster, history = trying(0.05), JudgeHistory()
    for _ in range(5):
        cluster.run(10)
        for _ in range(2):
            history.take(document(cluster))
    moments = history.moments(document(cluster))
    assert len(moments) == 5
    assert [moment.share for moment in moments] == [0.1] * 5
    assert moments[-1].assessment == judge.assess(judge.load(cluster.status["judge"]))


def test_a_new_rollout_begins_anew(trying: Callable[[float], Cluster]) -> None:
    cluster, history = trying(0.05), JudgeHistory()
    history.take(document(cluster))
    old = history.moments(document(cluster))
    manifest = document(cluster)
    manifest["status"]["candidate"]["revision"] = "another"
    history.take(manifest)
    assert len(old) == len(history.moments(manifest)) == 1
    manifest["status"].pop("candidate")
    history.take(manifest)
    assert len(history.moments(manifest)) == 1, "what was seen of a rollout that ended stays"


def test_it_is_bounded(trying: Callable[[float], Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MOMENTS", 6)
    cluster, history = trying(0.05), JudgeHistory()
    first = None
    for _ in range(12):
        cluster.run(10)
        last = judge.load(cluster.status["judge"]).end
        history.take(document(cluster))
        first = first or history.moments(document(cluster))[0]
    moments = history.moments(document(cluster))
    assert len(moments) <= 6
    assert moments[0] == first
    assert moments[-1].window.end == last


@pytest.mark.parametrize("text", ["", "no JSON", '{"version":99}'])
def test_a_judge_of_another_version_says_nothing(trying: Callable[[float], Cluster], text: str) -> None:
    history, manifest = JudgeHistory(), document(trying(0.05))
    manifest["status"]["judge"] = text
    history.take(manifest)
    assert history.moments(manifest) == ()
    history.take({"kind": "TrainingJob", "metadata": manifest["metadata"]})


async def test_the_past_is_read_once_and_goes_on(trying: Callable[[float], Cluster]) -> None:
    cluster = trying(0.05)
    metrics = Remembered(cluster)
    history = JudgeHistory(metrics)
    history.take(document(cluster))
    assert await history.fill(document(cluster), cluster.now) == ""
    before = len(history.moments(document(cluster)))
    assert before > 3
    asked = metrics.asked
    cluster.run(10)
    history.take(document(cluster))
    assert await history.fill(document(cluster), cluster.now) == ""
    assert (len(history.moments(document(cluster))), metrics.asked) == (before + 1, asked)


async def test_a_prometheus_that_is_away_is_said(trying: Callable[[float], Cluster]) -> None:
    class Away:
        async def query_range(self, *_: object, **__: object) -> Any:
            raise Unavailable("Prometheus did not answer")

    cluster, history = trying(0.05), JudgeHistory(Away())
    history.take(document(cluster))
    problem = await history.fill(document(cluster), cluster.now)
    assert problem == "the past cannot be read from Prometheus: Prometheus did not answer"
    assert len(history.moments(document(cluster))) == 1


async def test_nothing_was_judged_yet() -> None:
    manifest = {"kind": "ModelDeployment", "metadata": {"name": "new", "namespace": "prod"}, "spec": {}}
    assert await JudgeHistory(Remembered(Cluster.__new__(Cluster))).fill(manifest, NOW) == ""
