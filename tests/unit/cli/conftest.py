"""Clusters in memory in which a second version is being tried."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache

import pytest

from tests.support.simulation.rollouts import Cluster, model, spec

SCORE = {"sum": "cost_sum{ {{ selector }} }", "count": "cost_count{ {{ selector }} }", "better": "Higher"}

HISTORY_SECONDS = 1900


@cache
def _built(bad: float) -> Cluster:
    cluster = Cluster(spec(), rate=100)
    cluster.behave("1", bad=0.05)
    cluster.run(HISTORY_SECONDS)
    cluster.behave("2", bad=bad)
    cluster.model = model("2")
    assert cluster.run(600, lambda: cluster.status.get("candidate", {}).get("weight", 0) == 10)
    cluster.run(30)
    return cluster


@cache
def _scored() -> Cluster:
    cluster = Cluster(spec(analysis={"metrics": [{"name": "score", "mean": SCORE}]}), rate=100)
    cluster.run(HISTORY_SECONDS)
    cluster.try_version(cost=0.9)
    assert cluster.run(600, lambda: cluster.status.get("candidate", {}).get("weight", 0) == 10)
    cluster.run(30)
    return cluster


@cache
def _beside() -> Cluster:
    rollout = {"baseline": "Fresh", "steps": [{"weight": 10}, {"weight": 50}], "warmUpSeconds": 20, "drainSeconds": 20}
    cluster = Cluster(spec(rollout=rollout), rate=100)
    cluster.behave("1", bad=0.05)
    cluster.run(HISTORY_SECONDS)
    cluster.try_version(bad=0.05)
    assert cluster.run(600, lambda: cluster.status.get("baseline", {}).get("weight", 0) == 10)
    cluster.run(30)
    return cluster


@pytest.fixture
def trying_beside_a_baseline() -> Cluster:
    """A cluster of one's own where a candidate is compared with fresh pods of stable."""
    return deepcopy(_beside())


@pytest.fixture
def trying_a_score() -> Cluster:
    """A cluster of one's own where a candidate scores 0.9, the stable version 1, and more is better."""
    return deepcopy(_scored())


@pytest.fixture
def trying() -> Callable[[float], Cluster]:
    """A cluster of one's own with version 1, 5 % of whose requests fail, and a candidate that fails this often."""
    return lambda bad: deepcopy(_built(bad))
