"""Blue/green: previewed at full size, then all traffic in one change, and for a while one change back."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from rollmodel.plan.problem import Problem

from tests.support.running.effort import effort
from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import TICK, Cluster, spec

Previewed = Callable[..., Cluster]
POLICY: dict[str, Any] = {
    "strategy": "BlueGreen",
    "warmUpSeconds": 0,
    "drainSeconds": 20,
    "deadlineSeconds": 120,
    "bakeSeconds": 60,
}
MANUAL = {**POLICY, "blueGreen": {"switch": "Manual"}}
METRICS = [{"name": "errors", "preset": "Errors", "ceiling": "0.2"}, {"name": "latency", "preset": "Latency"}]
PREVIEW = ("Service", "churn-preview")


@pytest.fixture(scope="module", params=["route", "replicas"][: effort(1, 2)])
def installed(request: pytest.FixtureRequest) -> Cluster:
    """Version 1 serves and has a past, with a Gateway and without one."""
    traffic = {"parentRefs": [{"name": "public"}]} if request.param == "route" else None
    cluster = Cluster(spec(rollout=POLICY, traffic=traffic, analysis={"metrics": METRICS}), rate=1000)
    cluster.behave("1", bad=0.05)
    let_serve(cluster, ticks=60)
    return cluster


@pytest.fixture
def previewed(installed: Cluster) -> Previewed:
    """Version 2, which behaves like this, is previewed."""

    def build(rollout: dict[str, Any] = MANUAL, **behaviour: Any) -> Cluster:
        cluster = deepcopy(installed)
        cluster.edit(rollout=rollout)
        cluster.try_version("2", **behaviour)
        assert cluster.run(300, lambda: cluster.step == 0)
        assert PREVIEW in cluster.children
        return cluster

    return build


def weights_until(cluster: Cluster, seconds: int, until: Callable[[], bool]) -> list[dict[str, int]]:
    """The splits that were in force, until it holds."""
    seen: list[dict[str, int]] = []

    def holds() -> bool:
        seen.extend([cluster.served] if cluster.served not in seen else [])
        return until()

    assert cluster.run(seconds, holds)
    return seen


def test_the_preview_leads_to_the_candidate_and_no_traffic_does(previewed: Previewed) -> None:
    cluster = previewed()
    cluster.run(300)
    assert cluster.children[PREVIEW]["spec"]["selector"]["rollmodel.dev/revision"] == cluster.revision_of("2")
    assert cluster.served == {cluster.revision_of("1"): 100}
    assert cluster.children["Deployment", f"churn-{cluster.revision_of('2')}"]["spec"]["replicas"] == 2
    assert cluster.condition("Paused")["reason"] == "ManualStep"
    assert "Service churn-preview" in cluster.condition("Progressing")["message"]
    assert cluster.condition("Stalled")["status"] == "False"


@pytest.mark.parametrize("verb", ["resume", "promote"])
def test_a_person_switches_and_all_traffic_moves_at_once(previewed: Previewed, verb: str) -> None:
    cluster = previewed()
    blue, green = cluster.revision_of("1"), cluster.revision_of("2")
    cluster.run(100)
    cluster.command(verb, green)
    seen = weights_until(cluster, 600, cluster.over)
    assert [split for split in seen if split in ({blue: 100}, {green: 100})] == seen
    assert (cluster.arm("stable"), cluster.status["history"][-1]["by"]) == ("2", "kubectl")
    assert PREVIEW not in cluster.children


def test_it_switches_by_itself_after_its_preview(previewed: Previewed) -> None:
    cluster = previewed({**POLICY, "blueGreen": {"previewSeconds": 200}})
    begun = cluster.now
    assert cluster.run(400, lambda: cluster.condition("Progressing")["reason"] == "Baking")
    assert (cluster.now - begun).total_seconds() >= 200 - TICK
    assert cluster.run(300, cluster.over)
    assert (cluster.status["history"][-1]["reason"], cluster.status["history"][-1]["by"]) == ("Ready", "readiness")


def test_a_switch_that_becomes_manual_waits(previewed: Previewed) -> None:
    cluster = previewed({**POLICY, "blueGreen": {"previewSeconds": 100}})
    cluster.edit(rollout=MANUAL)
    cluster.run(300)
    assert cluster.condition("Paused")["reason"] == "ManualStep"


def test_what_testers_ask_for_is_not_compared(previewed: Previewed) -> None:
    """Testers ask for what goes wrong: four times as many failures and five times as slow, but below the ceiling."""
    cluster = previewed(bad=0.18, slow=5.0)
    tested = [pod for pod in cluster.pods if pod.revision == cluster.revision_of("2")]
    for _ in range(30):
        for pod in tested:
            pod.total, pod.failed = pod.total + 500, pod.failed + 90
        cluster.run(TICK)
    assert cluster.status["candidate"]["step"] == 0
    assert cluster.condition("Stalled")["status"] == "False"
    assert cluster.status["candidate"]["requests"] > 10_000


def test_a_ceiling_in_the_bake_gives_all_traffic_back_at_once(previewed: Previewed) -> None:
    cluster = previewed({**POLICY, "bakeSeconds": 900, "blueGreen": {"previewSeconds": 30}}, bad=0.6)
    blue, green = cluster.revision_of("1"), cluster.revision_of("2")
    seen = weights_until(cluster, 900, cluster.over)
    assert seen == [{blue: 100}, {green: 100}]
    assert (cluster.verdicts()[-1], cluster.served) == ("RolledBack v2", {blue: 100})


def test_pods_that_crash_in_the_preview_end_it(previewed: Previewed) -> None:
    cluster = previewed()
    cluster.behave("2", pods="crash")
    assert cluster.run(300, cluster.over)
    assert (cluster.verdicts()[-1], cluster.served) == ("RolledBack v2", {cluster.revision_of("1"): 100})
    assert PREVIEW not in cluster.children


def test_abort_takes_the_preview_away(previewed: Previewed) -> None:
    cluster = previewed()
    cluster.command("abort", cluster.revision_of("2"))
    assert cluster.run(300, cluster.over)
    assert (cluster.verdicts()[-1], PREVIEW in cluster.children) == ("Aborted v2", False)


def test_another_version_has_the_preview_then(previewed: Previewed) -> None:
    cluster = previewed()
    third = cluster.try_version("3")
    assert cluster.run(300, lambda: cluster.arm("candidate") == "3" and cluster.step == 0)
    assert cluster.children[PREVIEW]["spec"]["selector"]["rollmodel.dev/revision"] == third


def test_a_preview_that_is_deleted_comes_back(previewed: Previewed) -> None:
    cluster = previewed()
    cluster.remove(*PREVIEW)
    cluster.model = Problem("Unavailable", "connection refused", transient=True)
    cluster.pass_until_quiet()
    assert PREVIEW in cluster.children


def test_it_stands_in_where_stable_has_been_down_for_a_minute(previewed: Previewed) -> None:
    cluster = previewed()
    cluster.behave("1", pods="never", bad=0.05)
    assert cluster.run(110, lambda: cluster.served == {cluster.revision_of("2"): 100})
    cluster.behave("1", bad=0.05)
    assert cluster.run(60, lambda: cluster.served == {cluster.revision_of("1"): 100})
