"""A cluster in memory with version 1 installed, traffic flowing, and a past to learn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import TICK, Cluster, spec

HISTORY_SECONDS = 1900


@pytest.fixture
def serving() -> Callable[..., Cluster]:
    """Builds the cluster; arguments are top-level fields of the spec. 5 % of all requests fail, as ever."""

    def build(**changes: Any) -> Cluster:
        cluster = Cluster(spec(**changes), rate=1000)
        cluster.behave("1", bad=0.05)
        let_serve(cluster)
        for _ in range(0, HISTORY_SECONDS, TICK):
            cluster.advance()  # at rest there is nothing to decide
        cluster.pass_until_quiet()
        return cluster

    return build
