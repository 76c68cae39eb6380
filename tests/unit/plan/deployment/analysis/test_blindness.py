"""Without evidence nothing is decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.plan.problem import Problem

from tests.support.simulation.rollouts import Cluster, spec

Serving = Callable[..., Cluster]


@pytest.mark.parametrize(
    ("kind", "reason"), [("down", "Unavailable"), ("missing", "NoSeries"), ("strange", "UnexpectedAnswer")]
)
def test_without_metrics_the_rollout_freezes_and_goes_on_later(serving: Serving, kind: Any, reason: str) -> None:
    cluster = serving()
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.metrics = kind
    cluster.run(900)
    assert cluster.condition("MetricsAvailable")["reason"] == reason
    assert "sum by" in cluster.condition("MetricsAvailable")["message"]
    assert cluster.served[revision] == 10
    assert cluster.verdicts() == ["Installed v1"]
    cluster.metrics = "good"
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_no_weight_is_given_before_metrics_answer(serving: Serving) -> None:
    cluster = serving()
    cluster.metrics = "down"
    revision = cluster.try_version()
    cluster.run(1200)
    assert not cluster.served.get(revision)
    assert cluster.condition("Progressing")["reason"] == "WaitingForMetrics"
    cluster.metrics = "good"
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_on_blind_roll_back(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10}], "onBlind": "RollBack", "maxBlindSeconds": 300})
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.metrics = "down"
    assert cluster.run(60, lambda: cluster.condition("MetricsAvailable")["status"] == "False")
    went_blind = cluster.now
    assert cluster.run(600, lambda: bool(cluster.status.get("rejected")))
    assert (cluster.now - went_blind).total_seconds() == 300
    assert cluster.status["rejected"]["reason"] == "Blind"


def test_harm_wins_over_a_metric_that_cannot_be_read(serving: Serving) -> None:
    value = {"name": "queue", "value": {"query": "queue_length", "max": "10"}}
    errors = {"name": "errors", "preset": "Errors"}
    cluster = serving(analysis={"metrics": [errors, value]})
    cluster.values["queue_length"] = 1.0
    revision = cluster.try_version(bad=0.5)
    assert cluster.run(600, cluster.has_weight)
    cluster.values["queue_length"] = Problem("Unavailable", "connection refused", transient=True)
    assert cluster.run(600, lambda: bool(cluster.status.get("rejected")))
    assert cluster.status["rejected"]["reason"] == "ProvenHarmful"
    assert cluster.run(60, lambda: not cluster.served.get(revision))


def test_a_night_without_traffic_decides_nothing(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10, "maxSeconds": 600}], "onUndecided": "RollBack"})
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.rate = 0
    cluster.run(1200)
    assert cluster.verdicts() == ["Installed v1"]
    assert cluster.condition("MetricsAvailable")["reason"] == "NoTraffic"


def test_a_metric_that_the_runtime_cannot_measure_is_known_before_the_first_rollout() -> None:
    cluster = Cluster(spec(runtime={"preset": "Custom", "image": "example.com/server:1"}))
    cluster.run(120)
    assert cluster.condition("Ready")["status"] == "True"
    assert cluster.condition("MetricsAvailable")["reason"] == "CannotMeasure"


def test_a_rollout_is_judged_by_the_metrics_that_it_began_with(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    broken = {"name": "more", "counts": {"bad": "{{ oops }}", "total": "b"}}
    cluster.edit(analysis={"metrics": [{"name": "errors", "preset": "Errors"}, broken]})
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


@pytest.mark.parametrize("left", [[], [{"name": "failures", "preset": "Errors"}]])
def test_a_metric_that_was_taken_out_freezes_and_says_how_to_go_on(serving: Serving, left: Any) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.edit(analysis={"metrics": left})
    cluster.run(600)
    assert cluster.verdicts() == ["Installed v1"]
    assert "`abort` and `retry` begin anew" in cluster.condition("MetricsAvailable")["message"]


def test_blindness_does_not_outlive_a_new_start(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.metrics = "down"
    cluster.run(60)
    cluster.edit(scale={"replicas": 0})
    cluster.run(60)
    cluster.metrics = "good"
    cluster.edit(scale={"replicas": 2})
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"
