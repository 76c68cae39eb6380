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


@pytest.fixture
def trying_a_score() -> Cluster:
    """A cluster of one's own where a candidate scores 0.9, the stable version 1, and more is better."""
    return deepcopy(_scored())


@pytest.fixture
def trying() -> Callable[[float], Cluster]:
    """A cluster of one's own with version 1, 5 % of whose requests fail, and a candidate that fails this often."""
    return lambda bad: deepcopy(_built(bad))
