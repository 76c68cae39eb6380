"""Every wait has an end, or somebody is told: a candidate never keeps its traffic for ever without a word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]
HOLD = {"steps": [{"weight": 10}], "warmUpSeconds": 20, "maxBlindSeconds": 300}


def test_a_candidate_that_nobody_can_judge_keeps_its_traffic_and_that_is_told(serving: Serving) -> None:
    cluster = serving(rollout=HOLD)
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.metrics = "down"
    cluster.run(250)
    assert cluster.condition("Stalled")["status"] == "False"
    assert cluster.run(200, lambda: cluster.condition("Stalled")["reason"] == "Blind")
    message = cluster.condition("Stalled")["message"]
    assert "traffic: v2 10 %, v1 90 %" in message or "traffic: v1 90 %, v2 10 %" in message
    assert "connection refused" in message
    assert cluster.served[revision] == 10
    assert [event.type for event in cluster.events if event.reason == "Blind"] == ["Warning"]
    writes = cluster.writes
    cluster.run(300)
    assert cluster.writes == writes
    cluster.metrics = "good"
    assert cluster.run(7200, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_a_candidate_that_waits_for_metrics_before_its_first_traffic_is_told_of(serving: Serving) -> None:
    cluster = serving(rollout=HOLD)
    cluster.metrics = "down"
    cluster.try_version()
    assert cluster.run(900, lambda: cluster.condition("Stalled")["reason"] == "Blind")
    assert "traffic: v1 100 %" in cluster.condition("Stalled")["message"]


def test_a_step_without_an_end_is_told_of_after_a_day(serving: Serving) -> None:
    cluster = serving(rollout=HOLD)
    cluster.rate = 0
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.now += timedelta(hours=23)
    cluster.run(60)
    assert cluster.condition("Stalled")["status"] == "False"
    cluster.now += timedelta(hours=1)
    cluster.run(60)
    assert cluster.condition("Stalled")["reason"] == "StepOverdue"
    assert cluster.served[revision] == 10
    assert [event.type for event in cluster.events if event.reason == "StepOverdue"] == ["Warning"]
