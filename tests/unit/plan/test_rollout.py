"""Whole rollouts in a cluster in memory: what people see happen, state by state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.plan.deployment.observed import ModelProblem

from tests.support.rollouts import Cluster, model, spec

Serving = Callable[..., Cluster]


def try_version(cluster: Cluster, version: str = "2", **behaviour: Any) -> str:
    """The alias moves; returns the revision that this asks for."""
    revision = cluster.behave(version, **{"bad": 0.05, **behaviour})
    cluster.model = model(version)
    return revision


def over(cluster: Cluster) -> Callable[[], bool]:
    """No candidate, nothing drains."""
    return lambda: not cluster.status.get("candidate") and not cluster.status["retiring"]


def at_step(cluster: Cluster, step: int) -> Callable[[], bool]:
    return lambda: cluster.status.get("candidate", {}).get("step") == step


def has_weight(cluster: Cluster) -> Callable[[], bool]:
    return lambda: cluster.status.get("candidate", {}).get("weight", 0) > 0


# -- the first revision ------------------------------------------------------------------------------------------------


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
    assert cluster.status["selector"].endswith(f"rollmodel.dev/revision={cluster.revision_of('1')}")


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
    try_version(cluster)
    assert cluster.run(300, lambda: cluster.condition("Ready")["status"] == "True")
    assert cluster.verdicts() == ["Superseded v1", "Installed v2"]
    assert first not in cluster.deployments()


# -- promotion ---------------------------------------------------------------------------------------------------------


def test_a_good_version_is_promoted_by_evidence(serving: Serving) -> None:
    cluster = serving()
    try_version(cluster)
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts() == ["Installed v1", "Promoted v2"]
    assert cluster.arm("stable") == "2"
    assert cluster.deployments() == {cluster.revision_of("2")}
    entry = cluster.status["history"][-1]
    assert (entry["by"], entry["reason"]) == ("evidence", "ProvenSafe")
    assert "ProvenSafe" in entry["evidence"]
    assert cluster.condition("Ready")["status"] == "True"


def test_weights_follow_the_steps(serving: Serving) -> None:
    cluster = serving()
    revision, seen = try_version(cluster), []
    for _ in range(200):
        cluster.pass_until_quiet()
        if (weight := cluster.served.get(revision, 0)) not in seen:
            seen.append(weight)
        cluster.advance()
    assert seen == [0, 10, 50, 100]


def test_promotion_moves_the_champion_and_tags_both_versions(serving: Serving) -> None:
    cluster = serving()
    try_version(cluster)
    assert cluster.run(3600, over(cluster))
    writes = {write.key: write for write in cluster.reconcile().registry}
    assert writes["alias/churn/champion"].version == "2"
    assert writes["tags/churn/2"].tags["rollmodel.dev/verdict"] == "Promoted"
    assert writes["tags/churn/1"].tags["rollmodel.dev/verdict"] == "Replaced"
    assert writes["tags/churn/1"].tags["rollmodel.dev/deployment"] == "prod/churn"
    cluster.status["outbox"] = []
    assert cluster.reconcile().registry == ()


def test_the_candidate_has_as_many_pods_as_its_weight_takes(serving: Serving) -> None:
    cluster = serving(scale={"replicas": 10})
    revision = try_version(cluster)

    def replicas() -> int:
        return int(cluster.children["Deployment", f"churn-{revision}"]["spec"]["replicas"])

    assert cluster.run(600, has_weight(cluster))
    assert replicas() == 1
    assert cluster.run(3600, lambda: cluster.status["candidate"]["weight"] == 50)
    assert replicas() == 5
    assert cluster.run(3600, over(cluster))
    assert replicas() == 10


def test_a_manual_pause_waits_for_resume(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 50}, {"pause": "Manual"}], "warmUpSeconds": 0})
    revision = try_version(cluster)
    assert cluster.run(3600, at_step(cluster, 1))
    assert cluster.condition("Paused")["reason"] == "ManualStep"
    assert cluster.condition("Stalled")["status"] == "False"
    cluster.run(1200)
    assert cluster.served[revision] == 50
    cluster.command("resume", revision)
    assert cluster.run(600, over(cluster))
    assert cluster.status["history"][-1]["by"] == "kubectl"


def test_without_metrics_steps_go_by_time(serving: Serving) -> None:
    cluster = serving(analysis={"metrics": []})
    cluster.metrics = "down"
    try_version(cluster)
    assert cluster.run(600, over(cluster))
    assert cluster.status["history"][-1]["by"] == "steps"


def test_min_seconds_and_min_requests_are_kept(serving: Serving) -> None:
    steps = [{"weight": 50, "minSeconds": 600, "minRequests": 400_000}]
    cluster = serving(rollout={"steps": steps, "warmUpSeconds": 0})
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    begun = cluster.now
    assert cluster.run(3600, at_step(cluster, 1))
    assert (
        cluster.now - begun
    ).total_seconds() >= 800  # 400,000 requests at 500 per second take longer than minSeconds


DEFAULT_METRICS = [{"name": "errors", "preset": "Errors"}, {"name": "latency", "preset": "Latency"}]


def test_errors_and_latency_are_judged_together(serving: Serving) -> None:
    cluster = serving(analysis={"metrics": DEFAULT_METRICS})
    try_version(cluster)
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert [line["verdict"] for line in cluster.status["evidence"]] == ["ProvenSafe", "ProvenSafe"]


def test_a_slower_version_is_rolled_back(serving: Serving) -> None:
    cluster = serving(analysis={"metrics": DEFAULT_METRICS})
    try_version(cluster, slow=1.5)
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert "latency" in cluster.status["rejected"]["message"]


def test_counts_of_the_users_own_are_judged(serving: Serving) -> None:
    metric = {"name": "slow", "counts": {"bad": "sum(a{ {{ selector }} })", "total": "sum(b{ {{ selector }} })"}}
    cluster = serving(analysis={"metrics": [metric]})
    try_version(cluster, bad=0.2)
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "RolledBack v2"


@pytest.mark.parametrize(("value", "verdict"), [(0.3, "Promoted v2"), (0.9, "RolledBack v2")])
def test_a_plain_threshold_decides_too(serving: Serving, value: float, verdict: str) -> None:
    cluster = serving(analysis={"metrics": [{"name": "cost", "value": {"query": "cost", "max": "0.8"}}]})
    cluster.values["cost"] = value
    try_version(cluster)
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == verdict


# -- rollback ----------------------------------------------------------------------------------------------------------


def test_a_bad_version_is_rolled_back_and_not_tried_again(serving: Serving) -> None:
    cluster = serving()
    revision = try_version(cluster, bad=0.3)
    assert cluster.run(600, over(cluster))
    assert cluster.verdicts() == ["Installed v1", "RolledBack v2"]
    assert cluster.status["rejected"]["revision"] == revision
    assert cluster.condition("RolledBack")["status"] == "True"
    assert cluster.condition("Stalled")["reason"] == "RolledBack"
    assert cluster.condition("Available")["status"] == "True"
    before = cluster.writes
    cluster.run(1200)
    assert cluster.writes == before
    assert cluster.reconcile().registry[0].tags["rollmodel.dev/verdict"] == "RolledBack"


def test_weight_goes_before_pods(serving: Serving) -> None:
    cluster = serving()
    cluster.gateway_lag = 4
    revision = try_version(cluster, bad=0.3)
    assert cluster.run(600, has_weight(cluster))
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
    try_version(cluster, bad=0.3)
    assert cluster.run(600, over(cluster))
    try_version(cluster, "3")
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts() == ["Installed v1", "RolledBack v2", "Promoted v3"]
    assert cluster.condition("RolledBack")["status"] == "False"


def test_retry_tries_the_loser_again(serving: Serving) -> None:
    cluster = serving()
    revision = try_version(cluster, bad=0.3)
    assert cluster.run(600, over(cluster))
    cluster.behave("2", bad=0.05)
    cluster.command("retry", revision)
    cluster.pass_until_quiet()
    assert cluster.arm("candidate") == "2"
    assert cluster.run(3600, over(cluster))
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
    revision = try_version(cluster, pods=pods)
    while not cluster.status.get("rejected"):
        cluster.pass_until_quiet()
        assert not cluster.served.get(revision)
        cluster.advance()
    assert cluster.status["rejected"]["reason"] == reason
    assert cluster.condition("RolledBack")["reason"] == reason
    assert cluster.run(120, over(cluster))
    assert cluster.deployments() == {cluster.revision_of("1")}


def test_a_candidate_that_crashes_under_weight_loses_it_at_once(serving: Serving) -> None:
    cluster = serving()
    revision = try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.behave("2", pods="crash")
    cluster.advance()
    decision = cluster.reconcile()
    route = next(manifest for manifest in decision.apply if manifest["kind"] == "HTTPRoute")
    assert len(route["spec"]["rules"][0]["backendRefs"]) == 1
    assert cluster.run(300, over(cluster))
    assert cluster.status["rejected"]["reason"] == "CrashLoop"
    assert cluster.status["rejected"]["revision"] == revision


def test_a_candidate_that_comes_back_goes_on_where_it_was(serving: Serving) -> None:
    cluster = serving()
    revision = try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.behave("2", pods="never", bad=0.05)
    assert cluster.run(100, lambda: not cluster.served.get(revision))
    cluster.behave("2", bad=0.05)
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"


# -- other wishes meanwhile --------------------------------------------------------------------------------------------


def test_a_newer_version_supersedes_and_is_never_mixed(serving: Serving) -> None:
    cluster = serving()
    second = try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    third = try_version(cluster, "3")
    while cluster.arm("candidate") != "3":
        cluster.pass_until_quiet()
        cluster.advance()
    assert not cluster.served.get(second)
    assert cluster.status.get("judge") is None
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts() == ["Installed v1", "Superseded v2", "Promoted v3"]
    assert cluster.deployments() == {third}


def test_going_back_to_stable_is_instant(serving: Serving) -> None:
    cluster = serving()
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.model = model("1")
    decision = cluster.reconcile()
    route = next(manifest for manifest in decision.apply if manifest["kind"] == "HTTPRoute")
    assert [backend["weight"] for backend in route["spec"]["rules"][0]["backendRefs"]] == [100]
    assert cluster.run(300, over(cluster))
    assert cluster.verdicts() == ["Installed v1", "Superseded v2"]
    assert cluster.condition("Ready")["status"] == "True"


def test_to_and_fro_brings_the_same_pods_back(serving: Serving) -> None:
    cluster = serving()
    revision = try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    uid = cluster.children["Deployment", f"churn-{revision}"]["metadata"]["uid"]
    cluster.model = model("1")
    cluster.pass_until_quiet()
    cluster.model = model("2")
    assert cluster.run(3600, over(cluster))
    assert cluster.children["Deployment", f"churn-{revision}"]["metadata"]["uid"] == uid
    assert cluster.verdicts() == ["Installed v1", "Superseded v2", "Promoted v2"]


def test_a_spec_change_makes_a_revision_too(serving: Serving) -> None:
    cluster = serving()
    cluster.edit(runtime={"env": [{"name": "THREADS", "value": "4"}]})
    cluster.behave("1", bad=0.05)
    assert cluster.run(3600, over(cluster))
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
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.edit(scale={"replicas": 0})
    cluster.run(3600)
    assert cluster.arm("candidate") == "2"
    assert cluster.condition("Progressing")["reason"] == "ScaledToZero"
    cluster.edit(scale={"replicas": 2})
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_steps_that_are_cut_short_are_no_proof(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10}, {"weight": 20}, {"weight": 50}], "warmUpSeconds": 0})
    revision = try_version(cluster, bad=0.06)
    assert cluster.run(3600, at_step(cluster, 1))
    cluster.edit(rollout={"steps": [{"weight": 10}], "warmUpSeconds": 0})
    cluster.pass_until_quiet()
    assert cluster.status["candidate"]["step"] == 0
    assert cluster.status["candidate"]["revision"] == revision


@pytest.mark.parametrize("transient", [True, False])
def test_without_a_model_the_stable_revision_keeps_serving(serving: Serving, transient: bool) -> None:
    cluster = serving()
    cluster.model = ModelProblem("NotFound" if not transient else "Unavailable", "no such alias", transient)
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


# -- blindness ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reason"), [("down", "Unavailable"), ("missing", "NoSeries"), ("strange", "UnexpectedAnswer")]
)
def test_without_metrics_the_rollout_freezes_and_goes_on_later(serving: Serving, kind: Any, reason: str) -> None:
    cluster = serving()
    revision = try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.metrics = kind
    cluster.run(1800)
    assert cluster.condition("MetricsAvailable")["reason"] == reason
    assert "sum by" in cluster.condition("MetricsAvailable")["message"]
    assert cluster.served[revision] == 10
    assert cluster.verdicts() == ["Installed v1"]
    cluster.metrics = "good"
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_no_weight_is_given_before_metrics_answer(serving: Serving) -> None:
    cluster = serving()
    cluster.metrics = "down"
    revision = try_version(cluster)
    cluster.run(1200)
    assert not cluster.served.get(revision)
    assert cluster.condition("Progressing")["reason"] == "WaitingForMetrics"
    cluster.metrics = "good"
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_on_blind_roll_back(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10}], "onBlind": "RollBack", "maxBlindSeconds": 300})
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.metrics = "down"
    assert cluster.run(60, lambda: cluster.condition("MetricsAvailable")["status"] == "False")
    went_blind = cluster.now
    assert cluster.run(600, lambda: bool(cluster.status.get("rejected")))
    assert (cluster.now - went_blind).total_seconds() == 300
    assert cluster.status["rejected"]["reason"] == "Blind"


def test_a_night_without_traffic_decides_nothing(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 10, "maxSeconds": 600}], "onUndecided": "RollBack"})
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.rate = 0
    cluster.run(1200)
    assert cluster.verdicts() == ["Installed v1"]
    assert cluster.condition("MetricsAvailable")["reason"] == "NoTraffic"


def test_a_metric_that_the_runtime_cannot_measure_is_known_before_the_first_rollout() -> None:
    cluster = Cluster(spec(runtime={"preset": "Custom", "image": "example.com/server:1"}))
    cluster.run(120)
    assert cluster.condition("Ready")["status"] == "True"
    assert cluster.condition("MetricsAvailable")["reason"] == "CannotMeasure"


def test_a_rollout_is_judged_by_the_metrics_that_it_began_with(serving: Serving) -> None:
    cluster = serving()
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    broken = {"name": "more", "counts": {"bad": "{{ oops }}", "total": "b"}}
    cluster.edit(analysis={"metrics": [{"name": "errors", "preset": "Errors"}, broken]})
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"


@pytest.mark.parametrize("left", [[], [{"name": "failures", "preset": "Errors"}]])
def test_a_metric_that_was_taken_out_freezes_and_says_how_to_go_on(serving: Serving, left: Any) -> None:
    cluster = serving()
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.edit(analysis={"metrics": left})
    cluster.run(600)
    assert cluster.verdicts() == ["Installed v1"]
    assert "`abort` and `retry` begin anew" in cluster.condition("MetricsAvailable")["message"]


def test_blindness_does_not_outlive_a_new_start(serving: Serving) -> None:
    cluster = serving()
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.metrics = "down"
    cluster.run(60)
    cluster.edit(scale={"replicas": 0})
    cluster.run(60)
    cluster.metrics = "good"
    cluster.edit(scale={"replicas": 2})
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"


# -- policies ----------------------------------------------------------------------------------------------------------


def slow_to_tell(**rollout: Any) -> dict[str, Any]:
    """A policy under which 100 requests per second tell nothing within the time budget."""
    steps = [{"weight": 1, "maxSeconds": 120}]
    return {"rollout": {"steps": steps, "warmUpSeconds": 0, "drainSeconds": 0, **rollout}}


def test_on_undecided_pause_and_resume_gives_the_budget_again(serving: Serving) -> None:
    cluster = serving(**slow_to_tell())
    cluster.rate = 100
    revision = try_version(cluster)
    assert cluster.run(900, lambda: cluster.condition("Paused")["reason"] == "Undecided")
    assert cluster.condition("Stalled")["status"] == "True"
    assert cluster.served[revision] == 1
    cluster.command("resume", revision)
    cluster.pass_until_quiet()
    assert cluster.condition("Paused")["status"] == "False"
    assert cluster.run(900, lambda: cluster.condition("Paused")["reason"] == "Undecided")


def test_on_undecided_roll_back(serving: Serving) -> None:
    cluster = serving(**slow_to_tell(onUndecided="RollBack"))
    cluster.rate = 100
    try_version(cluster)
    assert cluster.run(900, over(cluster))
    assert cluster.status["rejected"]["reason"] == "Undecided"


def test_on_failure_pause_keeps_the_weight_until_a_person_decides(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 50}], "onFailure": "Pause"})
    revision = try_version(cluster, bad=0.3)
    assert cluster.run(600, lambda: cluster.condition("Paused")["reason"] == "Failure")
    cluster.command("resume", revision)
    cluster.pass_until_quiet()
    assert cluster.status["lastCommand"]["result"] == "Ignored"
    cluster.command("abort", revision)
    assert cluster.run(300, over(cluster))
    assert cluster.verdicts()[-1] == "Aborted v2"
    assert cluster.status["history"][-1]["by"] == "kubectl"


# -- commands ----------------------------------------------------------------------------------------------------------


def test_promote_skips_the_evidence(serving: Serving) -> None:
    cluster = serving()
    revision = try_version(cluster, bad=0.3)
    cluster.pass_until_quiet()
    cluster.command("promote", revision)
    assert cluster.run(600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert cluster.status["history"][-1]["reason"] == "Command"
    assert cluster.status["history"][-1]["by"] == "kubectl"


def test_pause_holds_the_weight_but_not_the_judge(serving: Serving) -> None:
    cluster = serving()
    revision = try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.command("pause", revision)
    cluster.run(1800)
    assert cluster.served[revision] == 10
    cluster.behave("2", bad=0.5)
    assert cluster.run(600, over(cluster))
    assert cluster.verdicts()[-1] == "RolledBack v2"


# -- traffic -----------------------------------------------------------------------------------------------------------


def test_without_a_gateway_pods_are_split_by_number(serving: Serving) -> None:
    cluster = serving(traffic=None, scale={"replicas": 4}, rollout={"steps": [{"weight": 20}, {"weight": 50}]})
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    assert cluster.status["candidate"]["weight"] == 20
    assert cluster.status["stable"]["weight"] == 80
    assert cluster.run(3600, over(cluster))
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert ("HTTPRoute", "churn") not in cluster.children


def test_without_a_gateway_the_achieved_weight_is_shown(serving: Serving) -> None:
    cluster = serving(traffic=None, scale={"replicas": 1}, rollout={"steps": [{"weight": 5}]})
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    assert cluster.status["candidate"]["weight"] == 50


def test_a_route_edited_by_hand_is_put_right(serving: Serving) -> None:
    cluster = serving()
    route = cluster.children["HTTPRoute", "churn"]
    route["spec"]["rules"][0]["backendRefs"][0]["weight"] = 7
    route["spec"]["rules"][0]["filters"] = []
    route["metadata"]["generation"] += 1
    cluster.pass_until_quiet()
    assert cluster.children["HTTPRoute", "churn"]["spec"]["rules"][0]["backendRefs"][0]["weight"] == 100
    assert cluster.reasons()[-1] == "Restored"


@pytest.mark.parametrize("kind", ["Deployment", "Service", "ControllerRevision"])
def test_children_that_were_deleted_come_back(serving: Serving, kind: str) -> None:
    cluster = serving()
    name = f"churn-{cluster.revision_of('1')}"
    template = cluster.children["Deployment", name]["spec"]["template"]
    del cluster.children[kind, name]
    cluster.model = ModelProblem("Unavailable", "the registry is away too", transient=True)
    cluster.pass_until_quiet()
    assert (kind, name) in cluster.children
    assert cluster.children["Deployment", name]["spec"]["template"] == template


def test_a_lost_status_is_made_up_from_what_serves(serving: Serving) -> None:
    cluster = serving()
    try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.status = {}
    assert cluster.run(3600, lambda: cluster.arm("stable") == "2" and over(cluster)())
    assert cluster.verdicts() == ["Promoted v2"]


def test_stable_without_pods_lets_the_candidate_stand_in(serving: Serving) -> None:
    cluster = serving()
    revision = try_version(cluster)
    assert cluster.run(600, has_weight(cluster))
    cluster.behave("1", pods="never", bad=0.05)
    assert cluster.run(100, lambda: cluster.served == {revision: 100})
    assert cluster.condition("Available")["status"] == "False"
    cluster.run(600)
    assert cluster.arm("stable") == "1"
    cluster.behave("1", bad=0.05)
    assert cluster.run(100, lambda: cluster.served.get(revision) == 10)


def test_a_rejected_route_needs_a_person(serving: Serving) -> None:
    cluster = serving()
    parents = cluster.children["HTTPRoute", "churn"]["status"]["parents"]
    parents[0]["conditions"][0] |= {"status": "False", "reason": "NotAllowedByListeners", "message": "not from here"}
    cluster.pass_until_quiet()
    assert cluster.condition("TrafficProgrammed")["reason"] == "NotAllowedByListeners"
    assert cluster.condition("Stalled")["status"] == "True"
    assert cluster.status["stable"]["weight"] == 0
