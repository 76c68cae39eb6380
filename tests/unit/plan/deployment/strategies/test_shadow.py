"""A shadow gets copies of requests; nobody gets its answers."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import TICK, Cluster, spec

Shadowed = Callable[..., Cluster]
POLICY: dict[str, Any] = {
    "strategy": "Shadow",
    "shadow": {"percent": 20},
    "steps": [{"weight": 50}],
    "warmUpSeconds": 0,
    "drainSeconds": 20,
    "deadlineSeconds": 120,
}
PROMOTES = {**POLICY, "shadow": {"percent": 20, "then": "Promote"}}


@pytest.fixture(scope="module")
def installed() -> Cluster:
    """Version 1 serves and has a past; 5 % of all requests fail, as ever."""
    cluster = Cluster(spec(rollout=POLICY), rate=1000)
    cluster.behave("1", bad=0.05)
    let_serve(cluster, ticks=150)
    return cluster


@pytest.fixture
def shadowed(installed: Cluster) -> Shadowed:
    """Version 2, which behaves like this, gets copies."""

    def build(rollout: dict[str, Any] = POLICY, *, mirrors: bool = True, **behaviour: Any) -> Cluster:
        cluster = deepcopy(installed)
        cluster.mirrors = mirrors
        cluster.edit(rollout=rollout)
        revision = cluster.try_version("2", **behaviour)
        route = ("HTTPRoute", "churn")
        assert cluster.run(300, lambda: bool(cluster.children[route]["spec"]["rules"][0].get("filters")))
        assert cluster.served == {cluster.revision_of("1"): 100}
        assert not cluster.mirrored.get(revision)
        return cluster

    return build


def test_copies_come_first_and_then_a_canary(shadowed: Shadowed) -> None:
    cluster = shadowed()
    revision, seen = cluster.revision_of("2"), list[tuple[int, int]]()

    def over() -> bool:
        now = (cluster.served.get(revision, 0), cluster.mirrored.get(revision, 0))
        seen.extend([now] if now not in seen else [])
        return cluster.arm("stable") == "2" and cluster.over()

    assert cluster.run(7200, over)
    assert seen == [(0, 0), (0, 20), (50, 0), (100, 0)]
    assert cluster.status["history"][-1]["reason"] == "ProvenSafe"


def test_copies_are_no_weight(shadowed: Shadowed) -> None:
    cluster = shadowed()
    assert cluster.run(300, lambda: cluster.status["candidate"]["requests"] > 0)
    assert (cluster.status["candidate"]["weight"], cluster.status["stable"]["weight"]) == (0, 100)
    assert "gets copies of 20 % of the requests" in cluster.condition("Progressing")["message"]


def test_it_may_take_all_traffic_at_once(shadowed: Shadowed) -> None:
    cluster = shadowed(PROMOTES)
    revision, weights = cluster.revision_of("2"), set[int]()

    def over() -> bool:
        weights.add(cluster.served.get(revision, 0))
        return cluster.arm("stable") == "2" and cluster.over()

    assert cluster.run(3600, over)
    assert weights == {0, 100}


def test_harm_is_proven_before_anybody_gets_an_answer(shadowed: Shadowed) -> None:
    cluster = shadowed(bad=0.5)
    revision = cluster.revision_of("2")

    def lost() -> bool:
        assert revision not in cluster.served
        return cluster.over()

    assert cluster.run(3600, lost)
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert cluster.run(3 * TICK, lambda: cluster.mirrored == {})


def test_a_gateway_that_copies_nothing_is_told_and_never_ends_well(shadowed: Shadowed) -> None:
    limited = {**POLICY, "shadow": {"percent": 20, "maxSeconds": 600}, "onUndecided": "RollBack"}
    cluster = shadowed(limited, mirrors=False)
    assert cluster.run(500, lambda: cluster.condition("Stalled")["reason"] == "CandidateSilent")
    assert "gets copies of 20 % of the requests" in cluster.condition("Stalled")["message"]
    assert cluster.run(900, cluster.over)
    assert (cluster.verdicts()[-1], cluster.status["rejected"]["reason"]) == ("RolledBack v2", "CandidateSilent")


def test_a_gateway_that_refuses_to_copy_has_its_route_back_at_once(shadowed: Shadowed) -> None:
    cluster = shadowed()
    cluster.run(2 * TICK)
    accepted = cluster.children["HTTPRoute", "churn"]["status"]["parents"][0]["conditions"][0]
    accepted |= {"status": "False", "reason": "UnsupportedValue", "message": "no RequestMirror here"}
    cluster.pass_until_quiet()
    assert "filters" not in cluster.children["HTTPRoute", "churn"]["spec"]["rules"][0]
    assert cluster.status["rejected"]["reason"] == "MirrorRefused"
    assert "no RequestMirror here" in cluster.status["rejected"]["message"]
    assert cluster.run(3 * TICK, lambda: cluster.served == {cluster.revision_of("1"): 100})


def test_definitions_that_drop_the_percent_end_it(shadowed: Shadowed) -> None:
    cluster = shadowed()
    cluster.run(2 * TICK)
    del cluster.children["HTTPRoute", "churn"]["spec"]["rules"][0]["filters"][0]["requestMirror"]["percent"]
    cluster.pass_until_quiet()
    assert cluster.status["rejected"]["reason"] == "MirrorRefused"
    assert "v1.3" in cluster.status["rejected"]["message"]


def test_pods_that_are_lost_end_the_copies_and_have_a_deadline(shadowed: Shadowed) -> None:
    cluster = shadowed({**POLICY, "shadow": {"percent": 20, "minSeconds": 3600}})
    assert cluster.run(100, lambda: bool(cluster.mirrored))
    for pod in cluster.pods:
        if pod.revision == cluster.revision_of("2"):
            pod.ready = False
    cluster.behave("2", pods="never")
    cluster.advance()
    cluster.pass_until_quiet()
    assert cluster.run(400, lambda: cluster.verdicts()[-1] == "RolledBack v2")
    assert cluster.mirrored == {}


def test_a_shadow_stands_in_where_stable_has_been_down_for_a_minute(shadowed: Shadowed) -> None:
    cluster = shadowed({**POLICY, "shadow": {"percent": 20, "minSeconds": 3600}})
    cluster.run(5 * TICK)
    cluster.behave("1", pods="never", bad=0.05)
    assert cluster.run(110, lambda: cluster.served == {cluster.revision_of("2"): 100})
    cluster.behave("1", bad=0.05)
    assert cluster.run(60, lambda: cluster.served == {cluster.revision_of("1"): 100})


def test_without_a_gateway_it_is_refused(shadowed: Shadowed) -> None:
    cluster = shadowed()
    cluster.edit(traffic=None)
    cluster.pass_until_quiet()
    stalled = cluster.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "InvalidSpec")
    assert "set `traffic.parentRefs`" in stalled["message"]
