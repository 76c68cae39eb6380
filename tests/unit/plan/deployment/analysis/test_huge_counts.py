"""A query of a user may answer anything. Numbers that nobody can have counted decide nothing, and end no pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentStatus

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]


@pytest.mark.parametrize("rate", [1e14, 1e15, 1e300])
def test_a_rollout_goes_on_once_counts_can_be_true(serving: Serving, rate: float) -> None:
    cluster = serving(scale={"replicas": 1})
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.rate = rate
    cluster.run(200)
    assert ModelDeploymentStatus.model_validate(cluster.status).to_wire() == cluster.status
    if rate > 1e16:
        assert cluster.condition("MetricsAvailable")["reason"] == "NotANumber"
        assert "more than can be counted" in cluster.condition("MetricsAvailable")["message"]
    assert cluster.verdicts()[-1] in {"Installed v1", "Promoted v2"}


def test_a_past_that_cannot_be_true_teaches_nothing(serving: Serving) -> None:
    cluster = serving(scale={"replicas": 1})
    cluster.rate = 1e300
    cluster.run(200)
    cluster.try_version()
    cluster.run(600)
    assert ModelDeploymentStatus.model_validate(cluster.status).to_wire() == cluster.status
