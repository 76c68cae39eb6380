"""The bake: all traffic for a while, and the way back is one change of the split."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from rollmodel.plan.problem import Problem

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import TICK, Cluster, model, spec

Serving = Callable[..., Cluster]
BAKE = 180
POLICY = {"steps": [{"weight": 50}], "warmUpSeconds": 0, "drainSeconds": 20, "bakeSeconds": BAKE}


def bakes(**changes: Any) -> Cluster:
    """Version 2 has earned all traffic, and version 1 stays warm."""
    cluster = Cluster(spec(rollout=POLICY, **changes), rate=1000)
    cluster.behave("1", bad=0.05)
    let_serve(cluster, ticks=100)
    revision = cluster.try_version("2")
    assert cluster.run(3600, lambda: cluster.condition("Progressing")["reason"] == "Baking")
    assert cluster.served == {revision: 100}
    return cluster


@pytest.fixture(scope="module")
def judged() -> Cluster:
    metric = {"name": "errors", "preset": "Errors", "ceiling": "0.2"}
    return bakes(analysis={"metrics": [metric]})


@pytest.fixture
def baking(judged: Cluster) -> Cluster:
    return deepcopy(judged)


def ready(cluster: Cluster, version: str) -> int:
    deployment = cluster.children["Deployment", f"churn-{cluster.revision_of(version)}"]
    return int(deployment["status"]["readyReplicas"])


def test_the_old_revision_stays_warm_and_then_goes(baking: Cluster) -> None:
    cluster = baking
    begun = cluster.now
    assert (cluster.arm("stable"), cluster.verdicts()[-1]) == ("1", "Installed v1")
    assert cluster.condition("Ready")["status"] == "Unknown"

    def promoted() -> bool:
        return cluster.arm("stable") == "2" or ready(cluster, "1") != 2

    assert cluster.run(BAKE + 2 * TICK, promoted)
    assert cluster.arm("stable") == "2"
    assert (cluster.now - begun).total_seconds() >= BAKE - TICK
    assert cluster.status["history"][-1]["reason"] == "ProvenSafe"
    assert cluster.run(300, cluster.over)
    assert cluster.deployments() == {cluster.revision_of("2")}


def test_the_end_of_the_bake_wakes_the_operator() -> None:
    cluster = bakes(analysis={"metrics": []})
    due = cluster.reconcile().requeue_after
    assert due is not None
    assert 0 < due <= BAKE


def test_pods_that_crash_give_the_traffic_back_in_one_pass(baking: Cluster) -> None:
    cluster = baking
    cluster.behave("2", pods="crash")
    assert cluster.run(300, lambda: cluster.verdicts()[-1] == "RolledBack v2")
    assert ready(cluster, "1") == 2
    assert cluster.run(3 * TICK, lambda: cluster.served == {cluster.revision_of("1"): 100})


def test_a_ceiling_holds_while_it_bakes(baking: Cluster) -> None:
    cluster = baking
    cluster.behave("2", bad=0.6)
    assert cluster.run(BAKE, lambda: cluster.verdicts()[-1] == "RolledBack v2")
    assert cluster.run(3 * TICK, lambda: cluster.served == {cluster.revision_of("1"): 100})


def test_abort_is_one_step_back_and_needs_no_new_pods(baking: Cluster) -> None:
    cluster = baking
    cluster.command("abort", cluster.revision_of("2"))
    cluster.pass_until_quiet()
    assert cluster.verdicts()[-1] == "Aborted v2"
    route = cluster.children["HTTPRoute", "churn"]["spec"]["rules"][0]["backendRefs"]
    assert [one["name"] for one in route] == [f"churn-{cluster.revision_of('1')}"]


def test_promote_ends_the_bake(baking: Cluster) -> None:
    cluster = baking
    cluster.command("promote", cluster.revision_of("2"))
    cluster.pass_until_quiet()
    assert (cluster.arm("stable"), cluster.status["history"][-1]["reason"]) == ("2", "Command")


def test_a_person_who_promotes_early_keeps_the_way_back(serving: Serving) -> None:
    cluster = serving(rollout=POLICY)
    revision = cluster.try_version("2", bad=0.3)
    cluster.pass_until_quiet()
    cluster.command("promote", revision)
    assert cluster.run(600, lambda: cluster.condition("Progressing")["reason"] == "Baking")
    assert cluster.run(BAKE + 300, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_a_pause_keeps_all_traffic_until_somebody_resumes(baking: Cluster) -> None:
    cluster = baking
    revision = cluster.revision_of("2")
    cluster.command("pause", revision)
    cluster.run(2 * BAKE)
    assert (cluster.served, cluster.arm("stable")) == ({revision: 100}, "1")
    assert cluster.condition("Progressing")["reason"] == "Paused"
    cluster.command("resume", revision, "2")
    assert cluster.run(300, cluster.over)
    assert cluster.arm("stable") == "2"


def test_another_version_goes_back_to_the_one_that_has_served_longest(baking: Cluster) -> None:
    cluster = baking
    third = cluster.try_version("3")
    assert cluster.run(2 * TICK, lambda: cluster.served == {cluster.revision_of("1"): 100})
    assert cluster.run(7200, cluster.over)
    assert (cluster.verdicts()[-1], cluster.deployments()) == ("Promoted v3", {third})


def test_a_registry_that_is_away_ends_nothing(baking: Cluster) -> None:
    cluster = baking
    cluster.model = Problem("Unavailable", "connection refused", transient=True)
    assert cluster.run(BAKE + 300, lambda: cluster.arm("stable") == "2")
    cluster.model = model("2")
    assert cluster.run(300, cluster.over)


def test_undo_does_not_bake(baking: Cluster) -> None:
    cluster = baking
    assert cluster.run(BAKE + 300, lambda: cluster.arm("stable") == "2" and cluster.over())
    cluster.command("undo", cluster.revision_of("2"))
    cluster.pass_until_quiet()
    while cluster.arm("stable") != "1":
        assert cluster.condition("Progressing")["reason"] != "Baking"
        cluster.run(TICK)


def test_by_replica_ratio_too() -> None:
    cluster = bakes(traffic=None, analysis={"metrics": []})
    assert cluster.arm("stable") == "1"
    assert cluster.run(BAKE + 300, cluster.over)
    assert cluster.arm("stable") == "2"
