"""What cannot be fetched is not promoted, and Available speaks of who serves."""

from __future__ import annotations

from collections.abc import Callable

from rollmodel.plan.problem import Problem

from tests.support.simulation.rollouts import Cluster, model

Serving = Callable[..., Cluster]


def test_a_version_that_is_gone_from_the_registry_is_held_and_goes_on_when_it_is_back(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.model = Problem("AliasNotFound", "no alias 'challenger'")
    cluster.run(1200)
    assert cluster.verdicts() == ["Installed v1"]
    assert cluster.condition("Stalled")["reason"] == "AliasNotFound"
    cluster.model = model("2")
    assert cluster.run(3600, lambda: cluster.arm("stable") == "2")


def test_a_registry_that_is_down_holds_nothing(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.model = Problem("Unavailable", "refused", transient=True)
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2")


def test_a_candidate_that_stands_in_for_a_broken_stable_is_available(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10, "minSeconds": 3600}], "warmUpSeconds": 20})
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.behave("1", pods="never", bad=0.05)
    assert cluster.run(120, lambda: cluster.served == {revision: 100})
    cluster.run(20)
    assert cluster.condition("Available")["reason"] == "CandidateServes"
    assert cluster.condition("Available")["status"] == "True"
