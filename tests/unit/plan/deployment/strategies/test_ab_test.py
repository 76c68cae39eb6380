"""A/B: who sends the mark gets the candidate, for the whole horizon; then better, worse, or no difference."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.routers.match import RequestMatch
from rollmodel.plan.deployment.strategies.requirements import unmet

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import Cluster, spec

HEADER = {"header": {"name": "x-group", "value": "b"}, "percent": 20, "horizonSeconds": 1200}
POLICY: dict[str, Any] = {"strategy": "ABTest", "abTest": HEADER, "warmUpSeconds": 0, "drainSeconds": 20}
Tested = Callable[..., Cluster]


@pytest.fixture(scope="module")
def installed() -> Cluster:
    """Version 1, which fails in 5 %, serves and has a past."""
    cluster = Cluster(spec(rollout=POLICY), rate=1000)
    cluster.behave("1", bad=0.05)
    let_serve(cluster, ticks=60)
    return cluster


@pytest.fixture
def tested(installed: Cluster) -> Tested:
    """Version 2, which fails so often, is tested."""

    def build(bad: float = 0.05, **changes: Any) -> Cluster:
        cluster = deepcopy(installed)
        cluster.edit(rollout={**POLICY, "abTest": {**HEADER, **changes}})
        cluster.try_version("2", bad=bad)
        assert cluster.run(300, cluster.has_weight)
        return cluster

    return build


def rules(cluster: Cluster) -> list[tuple[str, list[dict[str, Any]]]]:
    """Who answers, and which headers it takes, in the order of the route."""
    found = cluster.children["HTTPRoute", "churn"]["spec"]["rules"]
    return [(rule["backendRefs"][0]["name"], rule["matches"][0].get("headers", [])) for rule in found]


def test_group_b_gets_the_candidate_and_all_others_the_stable_revision(tested: Tested) -> None:
    cluster = tested()
    old, new = (f"churn-{cluster.revision_of(version)}" for version in "12")
    mark = [{"type": "Exact", "name": "x-group", "value": "b"}]
    found = rules(cluster)
    assert found == [pair for _ in range(len(found) // 2) for pair in ((new, mark), (old, []))]
    assert "header x-group: b" in cluster.condition("Progressing")["message"]


def test_nobody_wins_before_the_horizon_is_over(tested: Tested) -> None:
    cluster = tested(bad=0.005)
    begun = cluster.now
    assert cluster.run(3600, lambda: cluster.arm("stable") == "2" and cluster.over())
    assert (cluster.now - begun).total_seconds() >= 1200
    assert (cluster.verdicts()[-1], cluster.status["history"][-1]["reason"]) == ("Promoted v2", "Better")
    assert rules(cluster)[0][1] == []


def test_clients_stay_with_their_version_until_it_has_all_traffic(tested: Tested) -> None:
    cluster = tested(bad=0.005)
    new = cluster.revision_of("2")

    def marked_or_alone() -> bool:
        shared = {name for name, _ in rules(cluster)}
        assert len(shared) == 1 or rules(cluster)[0][1], "both have traffic, and nothing tells clients apart"
        return cluster.served == {new: 100}

    assert cluster.run(3600, marked_or_alone)


def test_harm_ends_it_at_any_time(tested: Tested) -> None:
    cluster = tested(bad=0.5)
    begun = cluster.now
    assert cluster.run(1200, lambda: cluster.verdicts()[-1] == "RolledBack v2")
    assert (cluster.now - begun).total_seconds() < 600
    assert cluster.run(100, cluster.over)


@pytest.mark.parametrize(
    ("policy", "ends"), [("RollBack", "RolledBack v2"), ("Promote", "Promoted v2"), ("Pause", "Installed v1")]
)
def test_no_difference_ends_as_the_policy_says(tested: Tested, policy: str, ends: str) -> None:
    cluster = tested(onNoDifference=policy)
    cluster.run(1800, lambda: cluster.over() or bool(cluster.status.get("paused")))
    assert cluster.verdicts()[-1] == ends
    told = cluster.status["paused"] if policy == "Pause" else cluster.status["history"][-1]["reason"]
    assert "NoDifference" in told or "no difference is proven: errors, candidate over stable" in told


def test_a_gateway_that_cannot_tell_clients_apart_ends_it(tested: Tested) -> None:
    cluster = tested()
    route = cluster.children["HTTPRoute", "churn"]
    route["status"]["parents"][0]["conditions"][0] |= {"status": "False", "reason": "UnsupportedValue"}
    cluster.pass_until_quiet()
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert "MatchRefused" in cluster.status["history"][-1]["reason"]
    assert rules(cluster)[0][1] == []


@pytest.mark.parametrize(
    ("cookies", "found"),
    [
        ("group=b", True),
        ("a=1; group=b; c=2", True),
        ("a=1;group=b", True),
        ("group=bb", False),
        ("mygroup=b", False),
        ("group=a; x=group", False),
    ],
)
def test_one_cookie_among_others_is_found(cookies: str, found: bool) -> None:
    header = RequestMatch("group", "b", cookie=True).header()
    assert (header["name"], header["type"]) == ("Cookie", "RegularExpression")
    assert bool(re.fullmatch(header["value"], cookies)) is found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"traffic": None}, "tells clients apart by a header, which takes a Gateway"),
        ({"analysis": {"metrics": [{"name": "latency", "preset": "Latency"}]}}, "it must be errors, `counts` or a"),
        ({"analysis": {"metrics": []}}, "asks the first metric"),
    ],
)
def test_what_it_cannot_do_is_refused(changes: dict[str, Any], reason: str) -> None:
    problem = unmet(ModelDeploymentSpec.model_validate({**spec(rollout=POLICY).to_wire(), **changes}))
    assert problem is not None
    assert reason in problem.message
