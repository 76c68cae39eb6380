"""Swap: never a pod more than there are, never fewer than must serve, and the same way back."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.strategies.requirements import unmet
from rollmodel.plan.deployment.strategies.swap.limits import least_serving, most_weight

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import Cluster, spec

POLICY: dict[str, Any] = {
    "strategy": "Swap",
    "steps": [{"weight": 10}, {"weight": 50}],
    "warmUpSeconds": 0,
    "drainSeconds": 20,
    "deadlineSeconds": 120,
}
Swapping = Callable[..., Cluster]


@pytest.fixture(scope="module")
def installed() -> Cluster:
    """Version 1 serves on four places, and has a past."""
    cluster = Cluster(spec(rollout=POLICY, scale={"replicas": 4}), rate=1000)
    cluster.behave("1", bad=0.05)
    let_serve(cluster)
    return cluster


@pytest.fixture
def swapping(installed: Cluster) -> Swapping:
    """Version 2, which behaves like this, is swapped in."""

    def build(percent: int = 75, **behaviour: Any) -> Cluster:
        cluster = deepcopy(installed)
        cluster.edit(rollout={**POLICY, "swap": {"minAvailablePercent": percent}})
        cluster.try_version("2", **behaviour)
        return cluster

    return build


def pods_until(cluster: Cluster, seconds: int, until: Callable[[], bool]) -> list[tuple[int, int, int, int]]:
    """Pods of v1 and v2, and their shares, each time one of them changes."""
    seen: list[tuple[int, int, int, int]] = []
    old, new = cluster.revision_of("1"), cluster.revision_of("2")

    def holds() -> bool:
        count = [sum(pod.revision == revision for pod in cluster.pods) for revision in (old, new)]
        now = (count[0], count[1], cluster.served.get(old, 0), cluster.served.get(new, 0))
        seen.extend([now] if not seen or seen[-1] != now else [])
        return until()

    assert cluster.run(seconds, holds), cluster.condition("Progressing")
    return seen


def test_pods_change_places_one_after_the_other(swapping: Swapping) -> None:
    cluster = swapping()
    seen = pods_until(cluster, 7200, lambda: cluster.over() and cluster.condition("Ready")["status"] == "True")
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert max(old + new for old, new, *_ in seen) == 4
    assert min(old + new for old, new, *_ in seen) >= 3
    assert seen[-1] == (0, 4, 0, 100)
    judged = [share for old, new, _, share in seen if (old, new) == (3, 1)]
    assert {10, 25} <= set(judged), "what a step asks for, as far as the others can take it back"


@pytest.mark.parametrize(("percent", "fewest"), [(75, 3), (50, 2), (25, 1)])
def test_never_fewer_than_must_serve(swapping: Swapping, percent: int, fewest: int) -> None:
    cluster = swapping(percent)
    seen = pods_until(cluster, 7200, lambda: cluster.arm("stable") == "2" and cluster.over())
    assert min(old + new for old, new, *_ in seen) >= fewest
    cluster.run(100)
    assert sum(pod.ready for pod in cluster.pods) == 4


def test_harm_at_a_step_gives_all_back_at_once(swapping: Swapping) -> None:
    cluster = swapping(bad=0.5)
    seen = pods_until(cluster, 3600, lambda: cluster.over() and cluster.condition("Available")["status"] == "True")
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert {share for *_, share in seen} == {0, 10}
    cluster.run(100)
    assert sum(pod.ready for pod in cluster.pods if pod.revision == cluster.revision_of("1")) == 4


def test_the_way_back_from_taking_over_is_the_same_in_reverse(swapping: Swapping) -> None:
    cluster = swapping()
    new = cluster.revision_of("2")
    assert cluster.run(7200, lambda: cluster.served.get(new, 0) > 25)
    cluster.command("abort", new)
    seen = pods_until(cluster, 600, lambda: cluster.over() and sum(pod.ready for pod in cluster.pods) == 4)
    assert min(old + new for old, new, *_ in seen) >= 3
    shares = [share for *_, share in seen]
    assert shares == sorted(shares, reverse=True)
    assert (cluster.verdicts()[-1], seen[-1]) == ("Aborted v2", (4, 0, 100, 0))


def test_a_place_that_nobody_gives_back_is_said_and_given_up(swapping: Swapping) -> None:
    """Somebody else's pods took the free place: the candidate waits, and then stable has what there is."""
    cluster = swapping(pods="never")
    assert cluster.run(60, lambda: cluster.condition("Progressing")["reason"] == "Starting")
    assert "0 of 1 pods ready" in cluster.condition("Progressing")["message"]
    assert cluster.run(600, lambda: cluster.verdicts()[-1] == "RolledBack v2")
    cluster.run(100)
    assert cluster.served == {cluster.revision_of("1"): 100}


def test_each_place_has_the_deadline_for_itself(swapping: Swapping) -> None:
    cluster = swapping()
    cluster.pass_until_quiet()
    cluster.command("promote", cluster.revision_of("2"))
    began = cluster.now
    assert cluster.run(1200, lambda: cluster.arm("stable") == "2")
    assert (cluster.now - began).total_seconds() < 300


def test_another_version_waits_until_places_are_back(swapping: Swapping) -> None:
    cluster = swapping()
    assert cluster.run(7200, lambda: cluster.served.get(cluster.revision_of("2"), 0) > 25)
    cluster.try_version("3")
    assert cluster.run(7200, lambda: cluster.arm("stable") == "3" and cluster.over())
    assert cluster.verdicts()[-2:] == ["Superseded v2", "Promoted v3"]


@pytest.mark.parametrize("pods", ["never", "good"])
def test_what_follows_a_first_revision_that_was_never_whole_waits_for_its_places(pods: Any) -> None:
    """Every decision is checked: no more pods are asked for than there are places."""
    cluster = Cluster(spec(rollout=POLICY))
    cluster.behave("1", pods=pods)
    cluster.run(10, lambda: len(cluster.pods) == 2)
    cluster.try_version("2")
    assert cluster.run(120, lambda: cluster.arm("stable") == "2" and cluster.over())
    assert cluster.verdicts()[-1] == "Installed v2"


@pytest.mark.parametrize(
    ("full", "percent", "least", "weight"),
    [(0, 75, 0, 100), (1, 75, 1, 0), (2, 75, 1, 50), (3, 75, 2, 33), (4, 75, 3, 25), (8, 75, 6, 25), (39, 95, 38, 2)],
)
def test_how_many_must_serve(full: int, percent: int, least: int, weight: int) -> None:
    swap = spec(rollout={**POLICY, "swap": {"minAvailablePercent": percent}})
    assert (least_serving(swap, full), most_weight(swap, full)) == (least, weight)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"scale": {"replicas": 1}}, "it needs 2 replicas or more"), ({"traffic": None}, "which takes a Gateway")],
)
def test_what_it_cannot_do_is_refused(changes: dict[str, Any], reason: str) -> None:
    problem = unmet(ModelDeploymentSpec.model_validate({**spec(rollout=POLICY).to_wire(), **changes}))
    assert problem is not None
    assert reason in problem.message
