"""Clusters in memory in which a second version is being tried."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.rollouts import Cluster, model, spec

HISTORY_SECONDS = 1900


@pytest.fixture
def trying() -> Callable[[float], Cluster]:
    """Builds a cluster with version 1, 5 % of whose requests fail, and a candidate at 10 % that fails this often."""

    def build(bad: float) -> Cluster:
        cluster = Cluster(spec(), rate=100)
        cluster.behave("1", bad=0.05)
        cluster.run(HISTORY_SECONDS)
        cluster.behave("2", bad=bad)
        cluster.model = model("2")
        assert cluster.run(600, lambda: cluster.status.get("candidate", {}).get("weight", 0) == 10)
        cluster.run(30)
        return cluster

    return build
