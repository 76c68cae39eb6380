"""The number of pods that take all traffic, with an autoscaler that sees a part of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from rollmodel.api.modeldeployment import HeldSize
from rollmodel.plan.deployment.full_size import SETTLE_SECONDS, STEP_SECONDS, during_rollout, full_size, settled
from rollmodel.plan.times import stamp

from tests.support.simulation.autoscaler import Autoscaler, desired
from tests.support.simulation.rollouts import TICK, Cluster, spec

Serving = Callable[..., Cluster]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("current", "loads", "unready", "wanted"),
    [
        (8, [100.0] * 8, 0, 8),
        (8, [109.0] * 8, 0, 8),
        (8, [120.0] * 8, 0, 10),
        (8, [50.0] * 8, 0, 4),
        (8, [50.0] * 8 + [100.0] * 4, 0, 8),  # half of the traffic on four pods of a candidate
        (8, [50.0] * 8 + [0.0] * 4, 0, 4),  # ... that fails before it costs anything
        (8, [50.0] * 8 + [None] * 4, 0, 8),  # ... that has no metrics yet
        (4, [100.0] * 8, 0, 4),  # the trap: within its tolerance it repeats what is asked for
        (8, [130.0] * 8, 4, 8),
        (8, [None] * 8, 0, 8),
    ],
)
def test_the_sum_of_the_autoscaler(current: int, loads: list[float | None], unready: int, wanted: int) -> None:
    assert desired(current, loads, unready=unready, target=100.0) == wanted


@pytest.mark.parametrize(
    ("asked", "has", "share", "size"),
    [(8, 8, 50, 8), (4, 8, 50, 8), (4, 8, 10, 5), (1, 8, 50, 2), (4, 8, 100, 8), (4, 8, 0, 4), (10, 8, 50, 10)],
)
def test_a_rollout_keeps_what_its_hidden_share_may_take(asked: int, has: int, share: int, size: int) -> None:
    held = during_rollout(None, asked=asked, has=has, share=share)
    assert full_size(spec(scale={"replicas": asked}), held) == size
    assert held is None or during_rollout(held, asked=asked, has=has, share=share) == held


def test_zero_is_believed_at_once() -> None:
    assert during_rollout(HeldSize(replicas=8), asked=0, has=8, share=50) is None
    assert settled(HeldSize(replicas=8), asked=0, has=8, now=NOW, ended=None) is None
    assert full_size(spec(scale={"replicas": 0}), HeldSize(replicas=8)) == 0


def test_the_size_goes_down_step_by_step_after_a_while() -> None:
    held, now, sizes = settled(HeldSize(replicas=20), asked=16, has=20, now=NOW, ended=None), NOW, []
    while held is not None:
        assert held.until is not None
        sizes.append((held.replicas, (datetime.fromisoformat(held.until) - now).total_seconds()))
        assert settled(held, asked=16, has=20, now=now, ended=None) == held
        now = datetime.fromisoformat(held.until)
        held = settled(held, asked=16, has=20, now=now, ended=None)
    assert sizes == [(20, SETTLE_SECONDS), (18, STEP_SECONDS), (17, STEP_SECONDS)]


def test_a_size_that_is_asked_for_later_is_believed_at_once() -> None:
    going = HeldSize(replicas=7, until=stamp(NOW + timedelta(seconds=60)), asked=4)
    assert settled(going, asked=5, has=7, now=NOW, ended=None) is None
    assert settled(going, asked=4, has=7, now=NOW, ended=None) == going


def test_without_a_rollout_the_spec_is_believed(serving: Serving) -> None:
    cluster = serving(scale={"replicas": 8})
    cluster.edit(scale={"replicas": 4})
    cluster.pass_until_quiet()
    assert "heldSize" not in cluster.status
    assert cluster.children["Deployment", f"churn-{cluster.revision_of('1')}"]["spec"]["replicas"] == 4


def let_go(cluster: Cluster, seconds: int, costs: dict[str, float]) -> None:
    """Time passes; no pod ever has more than a quarter above its target, which the autoscaler takes back."""
    for _ in range(0, seconds, TICK):
        cluster.pass_until_quiet()
        for revision, weight in cluster.served.items():
            ready = sum(pod.ready for pod in cluster.pods if pod.revision == revision)
            each = cluster.rate * weight / 100 / max(ready, 1) * costs[revision]
            assert each <= 125 * 1.25, f"{ready} pods of {revision} have {weight} %"
        cluster.advance()


@pytest.mark.parametrize(
    ("cost", "verb", "hidden", "takes", "routed"),
    [(1.0, "resume", 8, 8, True), (0.5, "resume", 6, 4, False), (0.0, "abort", 4, 8, True)],
)
def test_no_rollout_makes_the_fleet_smaller_than_the_traffic_takes(
    cost: float, verb: str, hidden: int, takes: int, *, routed: bool
) -> None:
    """1,000 requests per second at a cost of 1 take 8 pods at their target of 125, and half of them 4."""
    rollout = {"steps": [{"weight": 50, "minSeconds": 10, "maxSeconds": 60}, {"pause": "Manual"}]}
    traffic = {"traffic": {"parentRefs": [{"name": "public"}]} if routed else None}
    cluster = Cluster(spec(scale={"replicas": 8}, rollout=rollout, analysis={"metrics": []}, **traffic), rate=1000)
    assert cluster.run(600, cluster.over)
    cluster.autoscaler = Autoscaler(target=125.0)
    before, revision = cluster.revision_of("1"), cluster.try_version(cost=cost)
    costs = {before: 1.0, revision: cost}
    let_go(cluster, 500, costs)
    assert cluster.status["paused"]
    assert cluster.spec.scale.replicas == hidden
    cluster.command(verb, revision)
    let_go(cluster, 1200, costs)
    assert cluster.over()
    assert cluster.arm("stable") == ("2" if verb == "resume" else "1")
    assert "heldSize" not in cluster.status
    assert cluster.spec.scale.replicas == takes
