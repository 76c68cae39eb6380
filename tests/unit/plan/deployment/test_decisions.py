"""What policies and people decide where evidence does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rollmodel.plan.deployment.decide import decide

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]


def slow_to_tell(**rollout: Any) -> dict[str, Any]:
    """A policy under which 100 requests per second tell nothing within the time budget."""
    steps = [{"weight": 1, "maxSeconds": 120}]
    return {"rollout": {"steps": steps, "warmUpSeconds": 0, "drainSeconds": 0, **rollout}}


def test_on_undecided_pause_and_resume_gives_the_budget_again(serving: Serving) -> None:
    cluster = serving(**slow_to_tell())
    cluster.rate = 100
    revision = cluster.try_version()
    assert cluster.run(900, lambda: cluster.condition("Paused")["reason"] == "Undecided")
    assert cluster.condition("Stalled")["status"] == "True"
    assert cluster.served[revision] == 1
    cluster.command("resume", revision)
    cluster.pass_until_quiet()
    assert cluster.condition("Paused")["status"] == "False"
    assert cluster.run(900, lambda: cluster.condition("Paused")["reason"] == "Undecided")


def test_routes_of_others_that_were_not_read_yet_are_looked_at_soon(serving: Serving) -> None:
    observed = serving().observe()
    assert decide(observed).requeue_after is None
    assert decide(replace(observed, routes_read=False)).requeue_after == 5


def test_on_undecided_roll_back(serving: Serving) -> None:
    cluster = serving(**slow_to_tell(onUndecided="RollBack"))
    cluster.rate = 100
    cluster.try_version()
    assert cluster.run(900, cluster.over)
    assert cluster.status["rejected"]["reason"] == "Undecided"


def test_on_failure_pause_keeps_the_weight_until_a_person_decides(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 50}], "onFailure": "Pause"})
    revision = cluster.try_version(bad=0.3)
    assert cluster.run(600, lambda: cluster.condition("Paused")["reason"] == "Failure")
    cluster.command("resume", revision)
    cluster.pass_until_quiet()
    assert cluster.status["lastCommand"]["result"] == "Ignored"
    cluster.command("abort", revision)
    assert cluster.run(300, cluster.over)
    assert cluster.verdicts()[-1] == "Aborted v2"
    assert cluster.status["history"][-1]["by"] == "kubectl"


def test_promote_skips_the_evidence(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version(bad=0.3)
    cluster.pass_until_quiet()
    cluster.command("promote", revision)
    assert cluster.run(600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert cluster.status["history"][-1]["reason"] == "Command"
    assert cluster.status["history"][-1]["by"] == "kubectl"


def test_pause_holds_the_weight_but_not_the_judge(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.command("pause", revision)
    cluster.run(600)
    assert cluster.served[revision] == 10
    cluster.behave("2", bad=0.5)
    assert cluster.run(600, cluster.over)
    assert cluster.verdicts()[-1] == "RolledBack v2"
