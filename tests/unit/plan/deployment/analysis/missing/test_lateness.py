"""Samples that come less often than windows end, which the judge could not learn from a revision without a past."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.simulation.rollouts import DEFAULTS, Cluster, spec


def first_traffic(scrape: int, baseline: str = "Stable") -> Cluster:
    """The first requests of all come while a candidate is tried, one pod beside another."""
    told = replace(DEFAULTS, prometheus_delay_seconds=scrape)
    policy = {"steps": [{"weight": 50}], "warmUpSeconds": 10, "baseline": baseline}
    cluster = Cluster(spec(scale={"replicas": 1}, rollout=policy), rate=1, scrape=scrape, defaults=told)
    cluster.behave("1", bad=0.05, answers=False)
    cluster.run(100)
    cluster.behave("1", bad=0.05)
    cluster.try_version()
    assert cluster.run(300, lambda: cluster.status.get("judge") is not None)
    cluster.rate = 1000
    return cluster


@pytest.mark.parametrize("baseline", ["Stable", "Fresh"])
def test_windows_become_long_enough_for_samples_of_both(baseline: str) -> None:
    cluster = first_traffic(30, baseline)
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2"), cluster.condition("Progressing")
    assert cluster.reasons().count("JudgeRestarted") == 1


def test_windows_that_hold_samples_are_left_as_they_are() -> None:
    cluster = first_traffic(scrape=10)
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2"), cluster.condition("Progressing")
    assert "JudgeRestarted" not in cluster.reasons()
