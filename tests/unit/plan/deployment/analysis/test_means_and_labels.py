"""Rollouts judged by a mean of the user's own, and by labels that come late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rollmodel.cli.common.manifest import read_manifest, sound, spec_of
from rollmodel.evidence import judge
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.analysis.promql import scope
from rollmodel.plan.deployment.analysis.signals import promql

from tests.support.simulation.pods import LABEL_SECONDS
from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]

STEPS = {"steps": [{"weight": 10}, {"weight": 50}], "warmUpSeconds": 20, "drainSeconds": 20}


def mean(better: str) -> dict[str, Any]:
    counters = {
        name: f"sum by (pod, rollmodel_dev_revision) (cost_{name}{{ {{{{ selector }}}} }})" for name in ("sum", "count")
    }
    return {"metrics": [{"name": "cost", "mean": {**counters, "better": better}}]}


@pytest.mark.parametrize(
    ("better", "cost", "verdict"),
    [
        ("Lower", 1.0, "Promoted v2"),
        ("Lower", 1.3, "RolledBack v2"),
        ("Lower", 0.7, "Promoted v2"),
        ("Higher", 1.0, "Promoted v2"),
        ("Higher", 0.7, "RolledBack v2"),
        ("Higher", 1.3, "Promoted v2"),
    ],
)
def test_a_mean_decides(serving: Serving, better: str, cost: float, verdict: str) -> None:
    cluster = serving(analysis=mean(better))
    cluster.try_version(cost=cost)
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == verdict
    samples = cluster.status["evidence"][0]["samples"]
    assert float(samples.removeprefix("mean ").split()[0]) == pytest.approx(cost, abs=0.01)


def labelled(**metric: Any) -> dict[str, Any]:
    counters = {"bad": "wrong_labels{ {{selector}} }", "total": "labels{ {{selector}} }", "delaySeconds": LABEL_SECONDS}
    return {"metrics": [{"name": "quality", "counts": counters, **metric}]}


def at_weight(cluster: Cluster, weight: int) -> Callable[[], bool]:
    return lambda: cluster.status.get("candidate", {}).get("weight") == weight


def test_labels_count_once_the_split_is_older_than_they_are(serving: Serving) -> None:
    cluster = serving(analysis=labelled(), rollout=STEPS)
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.run(LABEL_SECONDS - 20)
    state = judge.load(cluster.status["judge"])
    assert state.notes["quality"].reason == "LabelsPending"
    assert judge.assess(state).metrics[0].na == 0
    assert cluster.condition("MetricsAvailable")["status"] == "True"
    assert cluster.condition("MetricsAvailable")["reason"] == "Answered"
    assert "which takes" in cluster.status["evidence"][0]["message"]
    assert cluster.run(3600, lambda: judge.assess(judge.load(cluster.status["judge"])).metrics[0].na > 0)


def test_no_step_is_shorter_than_labels_take(serving: Serving) -> None:
    cluster = serving(analysis=labelled(), rollout=STEPS)
    cluster.try_version()
    begun = {}
    for weight in (10, 50):
        assert cluster.run(3600, at_weight(cluster, weight))
        begun[weight] = cluster.now
    assert (begun[50] - begun[10]).total_seconds() >= LABEL_SECONDS + 40
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert (cluster.now - begun[50]).total_seconds() >= LABEL_SECONDS + 40


def test_a_version_that_is_wrong_more_often_is_taken_back(serving: Serving) -> None:
    cluster = serving(analysis=labelled(), rollout=STEPS)
    cluster.try_version(bad=0.15)
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "RolledBack v2"


@pytest.mark.slow
def test_labels_that_never_come_hold_the_rollout(serving: Serving) -> None:
    cluster = serving(analysis=labelled(), rollout=STEPS)
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.metrics = "missing"
    cluster.run(2 * LABEL_SECONDS + 3600)
    assert cluster.verdicts() == ["Installed v1"]
    assert cluster.condition("MetricsAvailable")["reason"] == "NoSeries"


def test_the_example_can_be_judged() -> None:
    spec = spec_of(read_manifest(Path(__file__).parents[5] / "examples/churn-with-labels.yaml"))
    words = scope("prod", "churn", stable="bbbbbbbb", candidate="cccccccc", interval_seconds=60)
    assert all(words["selector"] in promql(metric, spec.runtime, words) for metric in spec.analysis.metrics)
    plan = sound(judge_plan(spec))
    assert [(m.kind, m.delay) for m in plan.metrics] == [("count", 0.0), ("count", 3600.0), ("mean", 0.0)]
