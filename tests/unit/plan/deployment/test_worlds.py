"""Traffic with and without a gateway, and children that somebody changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.problem import Problem

from tests.support.running.effort import effort
from tests.support.simulation.gateways import GATEWAYS
from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]
QUICK = {"steps": [{"weight": 25}, {"weight": 50}], "warmUpSeconds": 0}


def test_without_a_gateway_pods_are_split_by_number(serving: Serving) -> None:
    cluster = serving(traffic=None, scale={"replicas": 4}, rollout={"steps": [{"weight": 20}, {"weight": 50}]})
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    assert cluster.status["candidate"]["weight"] == 20
    assert cluster.status["stable"]["weight"] == 80
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert ("HTTPRoute", "churn") not in cluster.children


def test_without_a_gateway_the_achieved_weight_is_shown(serving: Serving) -> None:
    cluster = serving(traffic=None, scale={"replicas": 1}, rollout={"steps": [{"weight": 5}]})
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
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


@pytest.mark.parametrize("lag", range(4))
def test_a_route_edited_twice_is_put_right_though_passes_and_gateway_are_late(serving: Serving, lag: int) -> None:
    """The Gateway has changed its controller, whose old entry is one generation behind and says no."""
    cluster = serving(rollout={**QUICK, "steps": [{"weight": 25, "minSeconds": 3600}]})
    cluster.gateway_lag, cluster.gateway, cluster.late = lag, "moved", 3
    revision = cluster.try_version()
    assert cluster.run(900, cluster.has_weight)
    for seconds in (30, 70):  # what status says of the weights is checked at each write
        route = cluster.children["HTTPRoute", "churn"]
        route["spec"]["rules"][0]["backendRefs"][0]["weight"] = 3
        route["metadata"]["generation"] += 1
        cluster.run(seconds)
    assert "Restored" in cluster.reasons()
    assert cluster.run(200, lambda: cluster.served.get(revision) == cluster.status["candidate"]["weight"] == 25)


@pytest.mark.parametrize("manner", sorted(GATEWAYS))
def test_a_bad_version_loses_its_traffic_behind_any_gateway(serving: Serving, manner: str) -> None:
    cluster = serving(rollout=QUICK)
    cluster.gateway = manner
    revision = cluster.try_version(bad=0.5)
    assert cluster.run(600, cluster.has_weight)
    assert cluster.run(600, lambda: cluster.verdicts()[-1] == "RolledBack v2" and not cluster.served.get(revision))


def test_a_gateway_that_falls_silent_is_told_after_the_deadline(serving: Serving) -> None:
    cluster = serving(rollout={**QUICK, "deadlineSeconds": 120})
    cluster.gateway_lag = 10_000
    cluster.try_version()
    assert cluster.run(600, lambda: cluster.condition("TrafficProgrammed")["status"] == "False")
    assert cluster.condition("Stalled")["status"] == "False"
    assert cluster.run(600, lambda: cluster.condition("Stalled")["reason"] == "GatewaySilent")
    assert "Gateway public has not taken up the route yet" in cluster.condition("Stalled")["message"]
    assert cluster.condition("Ready")["status"] == "False"
    cluster.gateway_lag = 1
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


@pytest.mark.parametrize("late", [1, 3])
def test_neighbours_that_answer_late_delay_a_verdict_and_lose_none(serving: Serving, late: int) -> None:
    """Each pass writes what it saw some ticks ago."""
    cluster = serving(rollout=QUICK)
    cluster.late = late
    revision = cluster.try_version(bad=0.5)
    assert cluster.run(600, lambda: bool(cluster.served.get(revision)))
    assert cluster.run(600, lambda: cluster.verdicts()[-1] == "RolledBack v2" and not cluster.served.get(revision))
    cluster.try_version("3")
    assert cluster.run(7200, lambda: cluster.verdicts()[-1] == "Promoted v3" and cluster.over())


def test_answers_of_very_many_pods_are_judged_as_those_of_few(serving: Serving) -> None:
    pods = effort(200, 1000)
    cluster = serving(rollout=QUICK, scale={"replicas": pods})
    revision = cluster.try_version(bad=0.5)
    assert cluster.run(600, lambda: bool(cluster.served.get(revision)))
    cluster.advance()
    answers = [answer for answer in cluster.observe().answers.values() if isinstance(answer, Answer)]
    assert max(len(answer.series) for answer in answers) >= pods
    assert cluster.run(600, lambda: cluster.verdicts()[-1] == "RolledBack v2" and not cluster.served.get(revision))


@pytest.mark.parametrize("kind", ["Deployment", "Service", "ControllerRevision"])
def test_children_that_were_deleted_come_back(serving: Serving, kind: str) -> None:
    cluster = serving()
    name = f"churn-{cluster.revision_of('1')}"
    template = cluster.children["Deployment", name]["spec"]["template"]
    del cluster.children[kind, name]
    cluster.model = Problem("Unavailable", "the registry is away too", transient=True)
    cluster.pass_until_quiet()
    assert (kind, name) in cluster.children
    assert cluster.children["Deployment", name]["spec"]["template"] == template


def test_a_lost_status_is_made_up_from_what_serves(serving: Serving) -> None:
    cluster = serving()
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.status = {}
    assert cluster.run(3600, lambda: cluster.arm("stable") == "2" and cluster.over())
    assert cluster.verdicts() == ["Promoted v2"]


def test_stable_without_pods_lets_the_candidate_stand_in(serving: Serving) -> None:
    cluster = serving()
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.behave("1", pods="never", bad=0.05)
    assert cluster.run(100, lambda: cluster.served == {revision: 100})
    assert cluster.condition("Available")["reason"] == "CandidateServes"
    assert cluster.condition("Ready")["status"] == "False"
    cluster.run(400)
    assert cluster.arm("stable") == "1"
    cluster.behave("1", bad=0.05)
    assert cluster.run(100, lambda: cluster.served.get(revision) == 10)


def test_a_rejected_route_needs_a_person(serving: Serving) -> None:
    cluster = serving()
    parents = cluster.children["HTTPRoute", "churn"]["status"]["parents"]
    parents[0]["conditions"][0] |= {"status": "False", "reason": "NotAllowedByListeners", "message": "not from here"}
    cluster.served = {}
    cluster.pass_until_quiet()
    assert cluster.condition("TrafficProgrammed")["reason"] == "NotAllowedByListeners"
    assert cluster.condition("Stalled")["status"] == "True"
    assert cluster.status["stable"]["weight"] == 0
