"""A stable revision that cannot answer: whoever can stands in, and becomes stable where nothing is left to compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]
QUICK: dict[str, Any] = {"steps": [{"weight": 10}, {"weight": 50}], "warmUpSeconds": 20, "deadlineSeconds": 200}


def broken(serving: Serving, **changes: Any) -> Cluster:
    """Version 1 lost its pods for good before version 2 began."""
    cluster = serving(**{"rollout": QUICK, **changes})
    cluster.behave("1", pods="never", bad=0.05)
    cluster.run(30)
    assert cluster.condition("Available")["status"] == "False"
    return cluster


@pytest.mark.parametrize("traffic", [{"parentRefs": [{"name": "public"}]}, None])
def test_the_fix_is_promoted_once_stable_had_its_time(serving: Serving, traffic: Any) -> None:
    cluster = broken(serving, traffic=traffic)
    revision = cluster.try_version()
    assert cluster.run(200, lambda: cluster.served == {revision: 100})
    cluster.run(20)
    assert cluster.condition("Available")["reason"] == "CandidateServes"
    assert "stands in" in cluster.condition("Progressing")["message"]
    cluster.run(100)
    assert cluster.arm("stable") == "1"
    assert cluster.run(300, lambda: cluster.condition("Ready")["status"] == "True")
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert cluster.status["history"][-1]["cause"] == "StableDown"
    assert cluster.status["history"][-1]["by"] == "readiness"


def test_the_fix_needs_no_past_of_a_stable_revision_that_never_counted(serving: Serving) -> None:
    cluster = broken(serving)
    cluster.metrics = "down"
    revision = cluster.try_version()
    assert cluster.run(200, lambda: cluster.served == {revision: 100})
    assert cluster.run(600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_a_short_restart_of_stable_lets_nobody_in_who_cannot_be_judged(serving: Serving) -> None:
    cluster = serving(rollout=QUICK)
    cluster.metrics = "down"
    revision = cluster.try_version()
    cluster.run(120)
    cluster.behave("1", pods="never", bad=0.05)
    cluster.run(30)
    cluster.behave("1", bad=0.05)
    cluster.run(200)
    assert not cluster.served.get(revision)
    assert cluster.step == -1


def test_a_stable_revision_that_comes_back_is_compared_again(serving: Serving) -> None:
    cluster = broken(serving)
    cluster.metrics = "down"
    revision = cluster.try_version()
    assert cluster.run(200, lambda: cluster.served == {revision: 100})
    cluster.behave("1", bad=0.05)
    assert cluster.run(60, lambda: cluster.served == {cluster.revision_of("1"): 100})
    assert cluster.step == -1
    cluster.metrics = "good"
    assert cluster.run(7200, cluster.over)
    assert cluster.status["history"][-1]["cause"] == "ProvenSafe"


@pytest.mark.parametrize("scraped", [True, False])
def test_ceilings_hold_for_a_candidate_that_stands_in(serving: Serving, *, scraped: bool) -> None:
    metrics = [{"name": "errors", "preset": "Errors", "ceiling": "0.2"}]
    cluster = serving(rollout={**QUICK, "deadlineSeconds": 600}, analysis={"metrics": metrics})
    cluster.try_version(bad=0.05)
    assert cluster.run(600, cluster.has_weight)
    cluster.behave("1", pods="never", bad=0.05)
    if not scraped:
        cluster.pods = [pod for pod in cluster.pods if pod.revision != cluster.revision_of("1")]
    assert cluster.run(60, lambda: cluster.served == {cluster.revision_of("2"): 100})
    cluster.behave("2", bad=0.6)
    assert cluster.run(900, lambda: not cluster.status.get("candidate"))
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert cluster.status["history"][-1]["cause"] == "LimitBroken"


def test_there_is_nothing_to_go_back_to_while_stable_is_down(serving: Serving) -> None:
    cluster = serving(rollout={**QUICK, "onBlind": "RollBack", "maxBlindSeconds": 60, "deadlineSeconds": 300})
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.metrics = "down"
    cluster.behave("1", pods="never", bad=0.05)
    cluster.run(200)
    assert cluster.served == {revision: 100}
    assert cluster.run(600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_a_pause_is_for_a_person_also_while_stable_is_down(serving: Serving) -> None:
    cluster = broken(serving, rollout={**QUICK, "steps": [{"pause": "Manual"}, {"weight": 10}]})
    revision = cluster.try_version()
    cluster.run(1200)
    assert cluster.condition("Paused")["reason"] == "ManualStep"
    assert cluster.arm("stable") == "1"
    cluster.command("resume", revision)
    assert cluster.run(600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_a_pause_at_a_weight_keeps_the_traffic_and_is_for_a_person(serving: Serving) -> None:
    cluster = serving(rollout=QUICK)
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.command("pause", revision)
    cluster.behave("1", pods="never", bad=0.05)
    cluster.run(900)
    assert cluster.served == {revision: 100}
    assert cluster.condition("Progressing")["reason"] == "Paused"
    assert cluster.arm("stable") == "1"
