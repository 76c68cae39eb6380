"""A candidate loses its traffic: first the weight, then the pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.plan.decision import WriteRegistry

from tests.support.simulation.promises import manifests
from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]


def test_a_bad_version_is_rolled_back_and_not_tried_again(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version(bad=0.3)
    assert cluster.run(600, cluster.over)
    assert cluster.verdicts() == ["Installed v1", "RolledBack v2"]
    assert cluster.status["rejected"]["revision"] == revision
    assert cluster.condition("RolledBack")["status"] == "True"
    assert cluster.condition("Stalled")["reason"] == "RolledBack"
    assert cluster.condition("Available")["status"] == "True"
    before = cluster.writes
    cluster.run(1200)
    assert cluster.writes == before
    assert cluster.reconcile().of(WriteRegistry)[0].tags["rollmodel.dev/verdict/prod/churn"] == "RolledBack"


def test_weight_goes_before_pods(serving: Serving) -> None:
    cluster = serving()
    cluster.gateway_lag = 4
    revision = cluster.try_version(bad=0.3)
    assert cluster.run(600, cluster.has_weight)
    assert cluster.run(600, lambda: not cluster.status.get("candidate"))
    assert cluster.served.get(revision)
    while cluster.served.get(revision):
        assert revision in cluster.deployments()
        cluster.advance()
        cluster.pass_until_quiet()
    cluster.run(10)
    assert revision in cluster.deployments(), "finishes its requests first"
    cluster.run(30)
    assert revision not in cluster.deployments()


def test_something_new_is_tried_after_a_rollback(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version(bad=0.3)
    assert cluster.run(600, cluster.over)
    cluster.try_version("3")
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts() == ["Installed v1", "RolledBack v2", "Promoted v3"]
    assert cluster.condition("RolledBack")["status"] == "False"


def test_retry_tries_the_loser_again(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version(bad=0.3)
    assert cluster.run(600, cluster.over)
    cluster.behave("2", bad=0.05)
    cluster.command("retry", revision)
    cluster.pass_until_quiet()
    assert cluster.arm("candidate") == "2"
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        ("crash", "CrashLoop"),
        ("mismatch", "DigestMismatch"),
        ("never", "DeadlineExceeded"),
        ("no-image", "ImagePullFailed"),
    ],
)
def test_a_candidate_that_cannot_start_never_gets_traffic(serving: Serving, pods: Any, reason: str) -> None:
    cluster = serving(rollout={"steps": [{"weight": 50}], "deadlineSeconds": 120, "drainSeconds": 0})
    revision = cluster.try_version(pods=pods)
    while not cluster.status.get("rejected"):
        cluster.pass_until_quiet()
        assert not cluster.served.get(revision)
        cluster.advance()
    assert cluster.status["rejected"]["reason"] == reason
    assert cluster.condition("RolledBack")["reason"] == reason
    assert cluster.run(120, cluster.over)
    assert cluster.deployments() == {cluster.revision_of("1")}


def test_a_candidate_that_crashes_under_weight_loses_it_at_once(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.behave("2", pods="crash")
    cluster.advance()
    decision = cluster.reconcile()
    route = next(manifest for manifest in manifests(decision) if manifest["kind"] == "HTTPRoute")
    assert len(route["spec"]["rules"][0]["backendRefs"]) == 1
    assert cluster.run(300, cluster.over)
    assert cluster.status["rejected"]["reason"] == "CrashLoop"
    assert cluster.status["rejected"]["revision"] == revision


def test_a_candidate_that_comes_back_goes_on_where_it_was(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.behave("2", pods="never", bad=0.05)
    assert cluster.run(100, lambda: not cluster.served.get(revision))
    cluster.behave("2", bad=0.05)
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"
