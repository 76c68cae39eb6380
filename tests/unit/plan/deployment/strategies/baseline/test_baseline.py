"""A paired baseline: fresh pods of the stable revision beside the candidate, which is compared with them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from rollmodel.evidence import judge
from rollmodel.plan.deployment.objects.baseline import BASELINE_OF, baseline_id

from tests.support.simulation.pods import COLD_SECONDS
from tests.support.simulation.promises import route_weights
from tests.support.simulation.rollouts import TICK, Cluster, model, spec

Beside = Callable[..., Cluster]
POLICY: dict[str, Any] = {
    "baseline": "Fresh",
    "steps": [{"weight": 10}, {"weight": 40}],
    "warmUpSeconds": 0,
    "drainSeconds": 20,
    "deadlineSeconds": 120,
}


@pytest.fixture(scope="module")
def installed() -> Cluster:
    """Version 1 serves, with warm caches, and has a past; 5 % of all requests fail, as ever."""
    cluster = Cluster(spec(rollout=POLICY, scale={"replicas": 4}), rate=1000)
    cluster.behave("1", bad=0.05)
    assert cluster.run(600, lambda: cluster.condition("Ready")["status"] == "True")
    for _ in range(200):
        cluster.advance()
    return cluster


@pytest.fixture
def beside(installed: Cluster) -> Beside:
    """Version 2, which behaves like this, is tried under a policy."""

    def build(*, cold: float = 0.0, **changes: Any) -> Cluster:
        cluster = deepcopy(installed)
        behaviour, rollout = changes.pop("behaviour", {}), {**POLICY, **changes.pop("rollout", {})}
        cluster.edit(**{"rollout": {key: value for key, value in rollout.items() if value is not None}, **changes})
        revision = cluster.try_version("2", **behaviour)
        for one in (cluster.revision_of("1"), revision):
            cluster.behaviours[one] = replace(cluster.behaviours[one], cold=cold)
        return cluster

    return build


def arms(cluster: Cluster) -> tuple[str, str, str]:
    """Stable, candidate, and the baseline's revision."""
    stable, candidate = cluster.revision_of("1"), cluster.revision_of("2")
    return stable, candidate, baseline_id(stable, candidate)


def promoted(cluster: Cluster) -> bool:
    return cluster.arm("stable") == "2" and cluster.over()


def test_it_gets_what_the_candidate_gets_and_goes_with_it(beside: Beside) -> None:
    cluster, seen = beside(), list[dict[str, int]]()
    stable, candidate, baseline = arms(cluster)

    def over() -> bool:
        if cluster.served not in seen:
            seen.append(dict(cluster.served))
        return promoted(cluster)

    assert cluster.run(7200, over)
    assert seen == [
        {stable: 100},
        {stable: 80, candidate: 10, baseline: 10},
        {stable: 20, candidate: 40, baseline: 40},
        {candidate: 100},
    ]
    assert not cluster.status.get("baseline")
    assert [key for key in cluster.children if key[1].endswith(baseline)] == []
    assert cluster.status["history"][-1]["baseline"] == baseline
    assert cluster.condition("BaselineReady")["reason"] == "NotNeeded"


def test_its_pods_are_those_of_stable_under_a_name_of_their_own(beside: Beside) -> None:
    cluster = beside(rollout={"steps": [{"weight": 10, "podsPercent": 75}]})
    stable, candidate, baseline = arms(cluster)
    assert cluster.run(600, cluster.has_weight)
    deployments = {one: cluster.children["Deployment", f"churn-{one}"] for one in (stable, candidate, baseline)}
    assert deployments[baseline]["metadata"]["annotations"][BASELINE_OF] == stable
    assert [deployments[one]["spec"]["replicas"] for one in (stable, candidate, baseline)] == [4, 3, 3]
    here, there = (deployments[one]["spec"]["template"] for one in (baseline, stable))
    assert here["spec"]["containers"] == there["spec"]["containers"]
    assert stable not in str(here["metadata"]["labels"])
    assert stable not in str(here["spec"]["topologySpreadConstraints"])
    assert ("ControllerRevision", f"churn-{baseline}") not in cluster.children
    assert ("Service", f"churn-{baseline}") in cluster.children


@pytest.mark.parametrize(("baseline", "verdict"), [("Stable", "RolledBack v2"), ("Fresh", "Promoted v2")])
def test_cold_caches_are_not_the_models_fault(beside: Beside, baseline: str, verdict: str) -> None:
    """The same model: a fifth of the requests fails (or is slow) in pods whose caches are cold."""
    cluster = beside(cold=0.2, rollout={"baseline": baseline})
    assert COLD_SECONDS > 120
    assert cluster.run(7200, lambda: cluster.over() and cluster.verdicts()[-1] == verdict), cluster.verdicts()


def test_harm_is_proven_beside_cold_caches_too(beside: Beside) -> None:
    cluster = beside(cold=0.2, behaviour={"bad": 0.5})
    assert cluster.run(1200, cluster.over)
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert cluster.status["history"][-1]["by"] == "evidence"


def test_it_learns_from_the_past_of_stable_and_compares_with_the_baseline(beside: Beside) -> None:
    cluster = beside()
    stable, _, baseline = arms(cluster)
    assert cluster.run(600, lambda: cluster.status.get("candidate", {}).get("requests", 0) > 0)
    state = judge.load(cluster.status["judge"])
    assert state.plan.candidate_share == 0.5
    report = judge.assess(state).metrics[0]
    assert report.learning is None
    assert report.na == pytest.approx(report.nb, rel=0.05)
    assert cluster.status["evidence"][0]["samples"].endswith(" baseline")
    assert baseline in cluster.last_questions[-1]
    assert stable not in cluster.last_questions[-1]


@pytest.mark.parametrize("pods", ["never", "no-image", "crash"])
def test_where_its_pods_do_not_come_the_candidate_waits_and_is_taken_back(beside: Beside, pods: Any) -> None:
    """Nobody is to blame, and it is tried again."""
    cluster = beside()
    stable, candidate, baseline = arms(cluster)
    cluster.behaviours[baseline] = replace(cluster.behaviours[stable], pods=pods)
    cluster.run(60)
    assert cluster.served == {stable: 100}
    assert "the baseline of v1: 0 of 1 pods ready" in cluster.condition("Progressing")["message"]
    assert cluster.condition("BaselineReady")["status"] == ("Unknown" if pods == "never" else "False")
    assert cluster.run(300, lambda: cluster.verdicts()[-1] == "RolledBack v2")
    rejected = cluster.status["rejected"]
    assert (rejected["revision"], rejected["reason"], "retryAt" in rejected) == (candidate, "BaselineMissing", True)
    assert cluster.run(600, lambda: not cluster.status["retiring"])
    del cluster.behaviours[baseline]
    assert cluster.run(7200, lambda: promoted(cluster))


def test_an_event_tells_why_its_pods_do_not_come(beside: Beside) -> None:
    cluster = beside()
    stable, _, baseline = arms(cluster)
    cluster.behaviours[baseline] = replace(cluster.behaviours[stable], pods="no-image")
    cluster.run(60)
    told = [event for event in cluster.events if "baseline" in event.message and event.type == "Warning"]
    assert [event.reason for event in told] == ["ImagePullFailed"]
    assert "the baseline of v1: 0 of 1 pods ready" in told[0].message


def test_pods_of_it_that_are_lost_take_the_weight_of_both(beside: Beside) -> None:
    cluster = beside(rollout={"steps": [{"weight": 10, "minSeconds": 3600}]})
    stable, candidate, baseline = arms(cluster)
    assert cluster.run(600, cluster.has_weight)
    cluster.behaviours[baseline] = replace(cluster.behaviours[stable], pods="never")
    for pod in cluster.pods:
        pod.ready = pod.ready and pod.revision != baseline
    assert cluster.run(60, lambda: cluster.served == {stable: 100})
    del cluster.behaviours[baseline]
    assert cluster.run(60, lambda: cluster.served == {stable: 80, candidate: 10, baseline: 10})
    assert cluster.verdicts() == ["Installed v1"]


@pytest.mark.parametrize("end", ["abort", "supersede", "back", "promote"])
def test_every_end_of_the_candidate_is_its_end(beside: Beside, end: str) -> None:
    cluster = beside(rollout={"steps": [{"weight": 10, "minSeconds": 3600}]})
    _, candidate, baseline = arms(cluster)
    assert cluster.run(600, cluster.has_weight)
    if end in {"abort", "promote"}:
        cluster.command(end, candidate)
    else:
        cluster.try_version("3" if end == "supersede" else "1")
    cluster.pass_until_quiet()
    assert cluster.baseline != baseline
    assert cluster.run(300, lambda: ("Deployment", f"churn-{baseline}") not in cluster.children)
    assert not cluster.served.get(baseline)


def test_a_spec_that_gives_it_up_goes_on_with_the_pods_that_serve(beside: Beside) -> None:
    cluster = beside(rollout={"steps": [{"weight": 10, "minSeconds": 600}]})
    stable, candidate, baseline = arms(cluster)
    assert cluster.run(600, cluster.has_weight)
    cluster.edit(rollout={**cluster.spec.rollout.to_wire(), "baseline": "Stable"})
    assert cluster.run(60, lambda: cluster.served == {stable: 90, candidate: 10})
    assert "BaselineGivenUp" in cluster.reasons()
    assert cluster.run(300, lambda: ("Deployment", f"churn-{baseline}") not in cluster.children)
    cluster.edit(rollout={**cluster.spec.rollout.to_wire(), "baseline": "Fresh"})
    cluster.run(100)
    assert not cluster.baseline, "a rollout does not change in the middle what it compares"
    assert cluster.run(7200, lambda: promoted(cluster))


def test_a_baseline_that_comes_back_keeps_its_pods(beside: Beside) -> None:
    cluster = beside(rollout={"steps": [{"weight": 10, "minSeconds": 600}], "drainSeconds": 300})
    *_, baseline = arms(cluster)
    assert cluster.run(600, cluster.has_weight)
    cluster.command("abort", arms(cluster)[1])
    cluster.run(60)
    assert baseline in {arm["revision"] for arm in cluster.status["retiring"]}
    cluster.command("retry", arms(cluster)[1], "2")
    assert cluster.run(120, lambda: cluster.baseline == baseline)
    assert baseline not in {arm["revision"] for arm in cluster.status["retiring"]}
    assert cluster.run(7200, lambda: promoted(cluster))


def test_while_it_bakes_the_baseline_has_no_pods(beside: Beside) -> None:
    cluster = beside(rollout={"bakeSeconds": 300})
    *_, baseline = arms(cluster)
    assert cluster.run(7200, lambda: cluster.condition("Progressing")["reason"] == "Baking")
    assert cluster.run(100, lambda: cluster.children["Deployment", f"churn-{baseline}"]["spec"]["replicas"] == 0)
    assert cluster.run(600, lambda: promoted(cluster))
    assert cluster.status["history"][-1]["baseline"] == baseline


def test_while_stable_has_no_pod_the_candidate_stands_in_alone(beside: Beside) -> None:
    cluster = beside(rollout={"steps": [{"weight": 10, "minSeconds": 3600}]})
    stable, candidate, baseline = arms(cluster)
    assert cluster.run(600, cluster.has_weight)
    kept = cluster.behaviours[stable]
    cluster.behaviours[baseline] = kept
    cluster.behave("1", pods="never", bad=0.05)
    assert cluster.run(100, lambda: cluster.served == {candidate: 100})
    cluster.behaviours[stable] = kept
    assert cluster.run(100, lambda: cluster.served == {stable: 80, candidate: 10, baseline: 10})


def test_a_candidate_mends_an_outage_without_a_baseline(beside: Beside) -> None:
    """Pods of stable do not start any more, fresh ones neither: whoever answers serves."""
    cluster = beside()
    cluster.model = model("1")
    cluster.pass_until_quiet()
    cluster.behave("1", pods="never", bad=0.05)
    cluster.run(120)
    cluster.model = model("2")
    assert cluster.run(600, lambda: cluster.verdicts()[-1] == "Promoted v2")
    assert not cluster.baseline


def test_where_stable_and_baseline_are_lost_the_candidate_stands_in(beside: Beside) -> None:
    cluster = beside(rollout={"steps": [{"weight": 10, "minSeconds": 3600}]})
    _, candidate, _ = arms(cluster)
    assert cluster.run(600, cluster.has_weight)
    cluster.behave("1", pods="never", bad=0.05)
    assert cluster.run(100, lambda: cluster.served == {candidate: 100})


def test_a_lost_status_never_takes_a_baseline_for_what_serves(beside: Beside) -> None:
    cluster = beside(rollout={"steps": [{"weight": 50, "minSeconds": 3600}]})
    _, candidate, baseline = arms(cluster)
    assert cluster.run(600, lambda: cluster.served == {candidate: 50, baseline: 50})
    cluster.status = {}
    cluster.reconcile()
    assert cluster.status["stable"]["revision"] != baseline
    assert cluster.run(600, lambda: baseline not in cluster.served)
    assert cluster.run(7200, cluster.over)


@pytest.mark.parametrize("writes", range(6))
def test_killed_at_any_write_of_its_begin_it_ends_the_same(beside: Beside, writes: int) -> None:
    cluster = beside(rollout={"steps": [{"weight": 10}]})
    *_, baseline = arms(cluster)
    cluster.reconcile(killed_after=writes)
    assert cluster.run(300, cluster.has_weight)
    assert cluster.baseline == baseline
    cluster.reconcile(lost="HTTPRoute")
    assert cluster.run(7200, lambda: promoted(cluster))
    assert [key for key in cluster.children if key[1].endswith(baseline)] == []


def test_scaling_follows_both(beside: Beside) -> None:
    cluster = beside(rollout={"steps": [{"weight": 25, "minSeconds": 3600}]})
    _, candidate, baseline = arms(cluster)
    assert cluster.run(600, cluster.has_weight)
    cluster.edit(scale={"replicas": 8})
    cluster.run(10 * TICK)
    asked = [cluster.children["Deployment", f"churn-{one}"]["spec"]["replicas"] for one in (candidate, baseline)]
    assert asked == [2, 2]
    assert cluster.status["replicas"] == 12


def test_without_a_gateway_it_is_refused(beside: Beside) -> None:
    cluster = beside(traffic=None)
    cluster.pass_until_quiet()
    assert cluster.condition("Stalled")["reason"] == "InvalidSpec"
    assert "`baseline: Fresh` takes a Gateway" in cluster.condition("Stalled")["message"]


def test_without_a_route_it_keeps_its_pods_until_requests_have_left(beside: Beside) -> None:
    """Its route was written, and no Gateway has said that it took that up, when `traffic` is taken out of the spec."""
    cluster = beside()
    cluster.gateway_lag, cluster.late = 0, 1
    *_, baseline = arms(cluster)
    assert cluster.run(600, lambda: baseline in route_weights(cluster.children["HTTPRoute", "churn"]))
    assert baseline not in cluster.served
    cluster.edit(traffic=None)
    assert cluster.run(100, lambda: ("HTTPRoute", "churn") not in cluster.children)
    gone = cluster.now
    assert cluster.run(100, lambda: baseline not in cluster.deployments())
    assert (cluster.now - gone).total_seconds() >= POLICY["drainSeconds"]
