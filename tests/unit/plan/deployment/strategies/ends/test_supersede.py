"""Something else is wanted while a rollout is on its way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rollmodel.plan.problem import Problem

from tests.support.simulation.promises import manifests
from tests.support.simulation.rollouts import Cluster, model

Serving = Callable[..., Cluster]


def test_a_newer_version_supersedes_and_is_never_mixed(serving: Serving) -> None:
    cluster = serving()
    second = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    third = cluster.try_version("3")
    while cluster.arm("candidate") != "3":
        cluster.pass_until_quiet()
        cluster.advance()
    assert not cluster.served.get(second)
    assert cluster.status.get("judge") is None
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts() == ["Installed v1", "Superseded v2", "Promoted v3"]
    assert cluster.deployments() == {third}


def test_going_back_to_stable_is_instant(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.model = model("1")
    decision = cluster.reconcile()
    route = next(manifest for manifest in manifests(decision) if manifest["kind"] == "HTTPRoute")
    assert [backend["weight"] for backend in route["spec"]["rules"][0]["backendRefs"]] == [100]
    assert cluster.run(300, cluster.over)
    assert cluster.verdicts() == ["Installed v1", "Superseded v2"]
    assert cluster.condition("Ready")["status"] == "True"


def test_to_and_fro_brings_the_same_pods_back(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    uid = cluster.children["Deployment", f"churn-{revision}"]["metadata"]["uid"]
    cluster.model = model("1")
    cluster.pass_until_quiet()
    cluster.model = model("2")
    assert cluster.run(3600, cluster.over)
    assert cluster.children["Deployment", f"churn-{revision}"]["metadata"]["uid"] == uid
    assert cluster.verdicts() == ["Installed v1", "Superseded v2", "Promoted v2"]


def test_a_spec_change_makes_a_revision_too(serving: Serving) -> None:
    cluster = serving()
    cluster.edit(runtime={"env": [{"name": "THREADS", "value": "4"}]})
    cluster.behave("1", bad=0.05)
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts() == ["Installed v1", "Promoted v1"]
    assert cluster.status["history"][-1]["fromRevision"] != cluster.status["history"][-1]["toRevision"]


def test_scaling_is_no_rollout(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.status["stable"]["revision"]
    cluster.edit(scale={"replicas": 5})
    assert cluster.run(120, lambda: cluster.status["stable"]["readyReplicas"] == 5)
    assert cluster.status["stable"]["revision"] == revision
    assert cluster.verdicts() == ["Installed v1"]


def test_a_rollout_waits_while_scaled_to_zero(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.edit(scale={"replicas": 0})
    cluster.run(3600)
    assert cluster.arm("candidate") == "2"
    assert cluster.condition("Progressing")["reason"] == "ScaledToZero"
    cluster.edit(scale={"replicas": 2})
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_steps_that_are_cut_short_are_no_proof(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10}, {"weight": 20}, {"weight": 50}], "warmUpSeconds": 0})
    revision = cluster.try_version(bad=0.06)
    assert cluster.run(3600, lambda: cluster.step == 1)
    cluster.edit(rollout={"steps": [{"weight": 10}], "warmUpSeconds": 0})
    cluster.pass_until_quiet()
    assert cluster.status["candidate"]["step"] == 0
    assert cluster.status["candidate"]["revision"] == revision


def test_later_steps_may_be_edited_and_nothing_begins_anew(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10}, {"weight": 50}], "warmUpSeconds": 0})
    cluster.try_version(bad=0.06)
    assert cluster.run(600, cluster.has_weight)
    begun, writes = cluster.status["candidate"], cluster.writes
    cluster.edit(rollout={"steps": [{"weight": 10}, {"weight": 30}, {"weight": 70}], "warmUpSeconds": 0})
    cluster.pass_until_quiet()
    kept = ("revision", "step", "weight", "since", "started", "readySince")
    assert [cluster.status["candidate"][key] for key in kept] == [begun[key] for key in kept]
    assert cluster.status["judge"]
    assert cluster.writes - writes <= 1, "status alone: it has another generation"
    assert cluster.run(7200, lambda: cluster.step == 1 and cluster.status["candidate"]["weight"] == 30)


def test_another_version_while_one_takes_over_is_judged_from_the_start(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 50}], "warmUpSeconds": 0, "drainSeconds": 20})
    cluster.gateway_lag = 3
    second = cluster.try_version()
    assert cluster.run(3600, lambda: cluster.step == 1)
    third = cluster.try_version("3")
    assert cluster.run(600, lambda: cluster.arm("candidate") == "3")
    assert cluster.arm("stable") == "1"
    assert cluster.step == -1
    assert cluster.run(600, lambda: not cluster.served.get(second))
    assert not cluster.served.get(third)
    assert cluster.run(7200, cluster.over)
    assert cluster.verdicts() == ["Installed v1", "Superseded v2", "Promoted v3"]


@pytest.mark.parametrize("transient", [True, False])
def test_without_a_model_the_stable_revision_keeps_serving(serving: Serving, transient: bool) -> None:
    cluster = serving()
    cluster.model = Problem("NotFound" if not transient else "Unavailable", "no such alias", transient)
    cluster.run(60)
    assert cluster.condition("ModelResolved")["status"] == "False"
    assert cluster.condition("Ready")["status"] == ("True" if transient else "False")
    assert cluster.condition("Stalled")["status"] == ("False" if transient else "True")
    assert cluster.served == {cluster.revision_of("1"): 100}


def test_a_spec_that_cannot_be_served_stalls(serving: Serving) -> None:
    cluster = serving()
    cluster.edit(runtime={"preset": "Triton"})
    cluster.pass_until_quiet()
    assert cluster.condition("Stalled")["reason"] == "InvalidSpec"
    assert "runtime.image" in cluster.condition("Stalled")["message"]
    assert cluster.served == {cluster.status["stable"]["revision"]: 100}
