"""The first revision: what serves before anything can be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.simulation.rollouts import Cluster, spec

Serving = Callable[..., Cluster]


def test_the_first_revision_serves_as_soon_as_a_pod_answers() -> None:
    cluster = Cluster(spec())
    cluster.behave("1")
    cluster.pass_until_quiet()
    assert cluster.condition("Ready")["status"] == "False"
    assert cluster.condition("Reconciling")["status"] == "True"
    assert cluster.condition("Available")["reason"] == "NothingServes"
    assert not cluster.served
    assert cluster.run(300, lambda: cluster.condition("Ready")["status"] == "True")
    assert cluster.verdicts() == ["Installed v1"]
    assert cluster.status["stable"]["weight"] == 100
    assert cluster.status["selector"] == "rollmodel.dev/model-deployment=churn"


def test_at_rest_nothing_is_written_and_nothing_is_scheduled(serving: Serving) -> None:
    cluster = serving()
    before = cluster.writes
    cluster.run(600)
    assert cluster.writes == before
    assert cluster.reconcile().requeue_after is None


@pytest.mark.parametrize(("pods", "reason"), [("mismatch", "DigestMismatch"), ("crash", "CrashLoop")])
def test_a_first_revision_that_cannot_start_stalls(pods: Any, reason: str) -> None:
    cluster = Cluster(spec())
    cluster.behave("1", pods=pods)
    assert cluster.run(300, lambda: cluster.condition("Stalled")["status"] == "True")
    assert cluster.condition("Stalled")["reason"] == reason
    assert cluster.condition("Reconciling")["status"] == "False"
    assert cluster.verdicts() == []


def test_a_first_revision_that_is_late_stalls_and_still_installs_when_it_comes() -> None:
    cluster = Cluster(spec(rollout={"steps": [{"weight": 10}], "deadlineSeconds": 60}))
    cluster.behave("1", pods="never")
    assert cluster.run(120, lambda: cluster.condition("Stalled")["reason"] == "DeadlineExceeded")
    cluster.behave("1", pods="good")
    assert cluster.run(120, lambda: cluster.condition("Ready")["status"] == "True")
    assert cluster.condition("Stalled")["status"] == "False"


def test_a_first_revision_that_is_not_wanted_any_more_is_replaced() -> None:
    cluster = Cluster(spec())
    first = cluster.behave("1", pods="never")
    cluster.run(60)
    cluster.try_version()
    assert cluster.run(300, lambda: cluster.condition("Ready")["status"] == "True")
    assert cluster.verdicts() == ["Superseded v1", "Installed v2"]
    assert first not in cluster.deployments()
