"""A candidate earns its traffic."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rollmodel.plan.decision import WriteRegistry

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]


def test_a_good_version_is_promoted_by_evidence(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts() == ["Installed v1", "Promoted v2"]
    assert cluster.arm("stable") == "2"
    assert cluster.deployments() == {cluster.revision_of("2")}
    entry = cluster.status["history"][-1]
    assert (entry["by"], entry["reason"]) == ("evidence", "ProvenSafe")
    assert "ProvenSafe" in entry["evidence"]
    assert cluster.condition("Ready")["status"] == "True"


def test_weights_follow_the_steps(serving: Serving) -> None:
    cluster = serving()
    revision, seen = cluster.try_version(), []
    for _ in range(200):
        cluster.pass_until_quiet()
        if (weight := cluster.served.get(revision, 0)) not in seen:
            seen.append(weight)
        cluster.advance()
    assert seen == [0, 10, 50, 100]


def test_promotion_moves_the_champion_and_tags_both_versions(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(3600, cluster.over)
    writes = {write.key: write for write in cluster.reconcile().of(WriteRegistry)}
    assert writes["alias/churn/champion"].version == "2"
    assert writes["tags/churn/2"].tags["rollmodel.dev/verdict/prod/churn"] == "Promoted"
    assert writes["tags/churn/1"].tags["rollmodel.dev/verdict/prod/churn"] == "Replaced"
    cluster.status["outbox"] = []
    assert cluster.reconcile().of(WriteRegistry) == ()


def test_the_candidate_has_as_many_pods_as_its_weight_takes(serving: Serving) -> None:
    cluster = serving(scale={"replicas": 10})
    revision = cluster.try_version()

    def replicas() -> int:
        return int(cluster.children["Deployment", f"churn-{revision}"]["spec"]["replicas"])

    assert cluster.run(600, cluster.has_weight)
    assert replicas() == 1
    assert cluster.run(3600, lambda: cluster.status["candidate"]["weight"] == 50)
    assert replicas() == 5
    assert cluster.run(3600, cluster.over)
    assert replicas() == 10


def test_a_manual_pause_waits_for_resume(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 50}, {"pause": "Manual"}], "warmUpSeconds": 0})
    revision = cluster.try_version()
    assert cluster.run(3600, lambda: cluster.step == 1)
    assert cluster.condition("Paused")["reason"] == "ManualStep"
    assert cluster.condition("Stalled")["status"] == "False"
    cluster.run(1200)
    assert cluster.served[revision] == 50
    cluster.command("resume", revision)
    assert cluster.run(600, cluster.over)
    assert cluster.status["history"][-1]["by"] == "kubectl"


def test_without_metrics_steps_go_by_time(serving: Serving) -> None:
    cluster = serving(analysis={"metrics": []})
    cluster.metrics = "down"
    cluster.try_version()
    assert cluster.run(600, cluster.over)
    assert cluster.status["history"][-1]["by"] == "steps"


def test_min_seconds_and_min_requests_are_kept(serving: Serving) -> None:
    steps = [{"weight": 50, "minSeconds": 600, "minRequests": 400_000}]
    cluster = serving(rollout={"steps": steps, "warmUpSeconds": 0})
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    begun = cluster.now
    assert cluster.run(3600, lambda: cluster.step == 1)
    assert (
        cluster.now - begun
    ).total_seconds() >= 800  # 400,000 requests at 500 per second take longer than minSeconds


DEFAULT_METRICS = [{"name": "errors", "preset": "Errors"}, {"name": "latency", "preset": "Latency"}]


def test_errors_and_latency_are_judged_together(serving: Serving) -> None:
    cluster = serving(analysis={"metrics": DEFAULT_METRICS})
    cluster.try_version()
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert [line["verdict"] for line in cluster.status["evidence"]] == ["ProvenSafe", "ProvenSafe"]


def test_a_slower_version_is_rolled_back(serving: Serving) -> None:
    cluster = serving(analysis={"metrics": DEFAULT_METRICS})
    cluster.try_version(slow=1.5)
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert "latency" in cluster.status["rejected"]["message"]


def test_counts_of_the_users_own_are_judged(serving: Serving) -> None:
    metric = {"name": "slow", "counts": {"bad": "sum(a{ {{ selector }} })", "total": "sum(b{ {{ selector }} })"}}
    cluster = serving(analysis={"metrics": [metric]})
    cluster.try_version(bad=0.2)
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "RolledBack v2"


@pytest.mark.parametrize(("value", "verdict"), [(0.3, "Promoted v2"), (0.9, "RolledBack v2")])
def test_a_plain_threshold_decides_too(serving: Serving, value: float, verdict: str) -> None:
    cluster = serving(analysis={"metrics": [{"name": "cost", "value": {"query": "cost", "max": "0.8"}}]})
    cluster.values["cost"] = value
    cluster.try_version()
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == verdict
