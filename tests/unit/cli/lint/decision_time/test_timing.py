"""How long a policy takes: what lint says, and what simulated rollouts took; the median is within a factor of 2."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from statistics import median
from typing import Any

import numpy as np
import pytest
from rollmodel.cli.lint.decision_time.timing import DecisionTime, decision_times, promotion_seconds

from tests.support.simulation.rollouts import Cluster, spec

Trying = Callable[[float], Cluster]
#: The simulated rollouts of the fixture: 100 requests per second, 5 % of which fail on stable.
RPS, BAD = 100.0, 0.05


def told(scrape: float = 10.0, **changes: Any) -> DecisionTime:
    (found,) = decision_times(spec(**changes), rps=RPS, bad_share=BAD, scrapes=[scrape])
    return found


def seconds_until(cluster: Cluster, end: Callable[[Cluster], bool], seed: int) -> float:
    """From the first weight on; the fixture's is 30 s old."""
    cluster.chance = np.random.default_rng(seed)
    begun = cluster.now
    assert cluster.run(7200, lambda: end(cluster))
    return 30 + (cluster.now - begun).total_seconds()


def test_a_healthy_candidate(trying: Trying) -> None:
    taken = median(seconds_until(trying(BAD), lambda c: c.step != 0, seed) for seed in range(3))
    safe = told().safe
    assert safe is not None
    assert taken / 2 < safe < taken * 2


@pytest.mark.parametrize("factor", [2.0, 10.0])
def test_a_harmful_candidate(trying: Trying, factor: float) -> None:
    taken = median(seconds_until(trying(BAD * factor), lambda c: not c.has_weight(), seed) for seed in range(3))
    harm = told().harm[factor]
    assert harm is not None
    assert taken / 2 < harm < taken * 2


@cache
def _with_a_past(scrape: int) -> Cluster:
    cluster = Cluster(spec(), rate=RPS, scrape=scrape, chance=np.random.default_rng(0))
    cluster.behave("1", bad=BAD)
    cluster.run(4000)
    return cluster


@pytest.mark.slow
@pytest.mark.parametrize("scrape", [30, 60])
@pytest.mark.parametrize("factor", [1.0, 2.0, 10.0])
def test_at_another_scrape_interval(scrape: int, factor: float) -> None:
    def end(cluster: Cluster) -> bool:
        return cluster.step != 0 if factor == 1 else not cluster.has_weight()

    def taken(seed: int) -> float:
        cluster = deepcopy(_with_a_past(scrape))
        cluster.try_version(bad=BAD * factor)
        assert cluster.run(900, cluster.has_weight)
        return seconds_until(cluster, end, seed) - 30

    found = told(scrape)
    expected = found.safe if factor == 1 else found.harm[factor]
    measured = median(taken(seed) for seed in range(3))
    assert expected is not None
    assert measured / 2 < expected < measured * 2


def test_every_kind_of_metric_has_a_time() -> None:
    metrics = [
        {"name": "errors", "preset": "Errors"},
        {"name": "latency", "preset": "Latency"},
        {"name": "score", "mean": {"sum": "a", "count": "b", "better": "Higher"}},
        {"name": "queue", "value": {"query": "up", "max": "1", "failureLimit": 2}},
        {"name": "labels", "counts": {"bad": "a", "total": "b", "delaySeconds": 86400}},
    ]
    found = {
        time.metric: time
        for time in decision_times(spec(analysis={"metrics": metrics}), rps=RPS, bad_share=BAD, scrapes=[15])
    }
    assert list(found) == ["errors", "latency", "score", "queue", "labels"]
    for time in found.values():
        assert time.safe is not None
        worse, much_worse = time.harm.values()
        assert worse is not None
        assert much_worse is not None
        assert worse >= much_worse > time.window_seconds == 30
    assert found["queue"].safe == found["queue"].harm[2.0] == 3 * 30 + 30 + 5 + 15
    assert found["labels"].safe is not None
    assert found["labels"].safe > 86400


def test_less_traffic_takes_longer_and_samples_that_come_seldom_too() -> None:
    def safe(rps: float, scrape: float) -> float:
        (found,) = decision_times(spec(), rps=rps, bad_share=0.005, scrapes=[scrape])
        assert found.safe is not None
        return found.safe

    assert safe(10, 15) > 5 * safe(100, 15)
    assert safe(1000, 60) > safe(1000, 15)


def test_a_promotion_takes_the_times_of_all_steps() -> None:
    steps = [{"weight": 10}, {"weight": 20, "minSeconds": 600}, {"weight": 50, "minRequests": 60_000}]
    asked = spec(rollout={"steps": steps})
    times = list(decision_times(asked, rps=RPS, bad_share=BAD, scrapes=[10]))
    (first,) = times
    assert first.safe is not None
    assert promotion_seconds(asked, times, rps=RPS) == first.safe + 600 + 1200


def test_without_metrics_there_is_no_time() -> None:
    asked = spec(analysis={"metrics": []})
    times = list(decision_times(asked, rps=RPS, bad_share=BAD, scrapes=[10]))
    assert (times, promotion_seconds(asked, times, rps=RPS)) == ([], None)


def test_what_the_policy_tolerates_is_never_found() -> None:
    metric = {"name": "errors", "preset": "Errors", "tolerance": {"ratio": "1.1", "absolute": "0.1"}}
    (found,) = decision_times(spec(analysis={"metrics": [metric]}), rps=RPS, bad_share=BAD, scrapes=[10])
    assert (found.tolerated, found.harm[2.0]) == ([2.0], None)
    (limited,) = decision_times(
        spec(analysis={"metrics": [metric | {"ceiling": "0.07"}]}), rps=RPS, bad_share=BAD, scrapes=[10]
    )
    assert limited.harm[2.0] is not None


def test_copies_are_timed_at_the_share_of_copies() -> None:
    """Copies of all requests are as many again: quicker than a tenth of them, and the canary's steps come after."""
    shadow = {"strategy": "Shadow", "shadow": {"percent": 100}, "steps": [{"weight": 10, "minSeconds": 500}]}
    copied = told(rollout=shadow)
    assert copied.weight == 0.5
    assert copied.safe is not None
    assert copied.safe <= (told().safe or 0)
    promoted = promotion_seconds(spec(rollout=shadow), [copied], rps=RPS)
    assert promoted is not None
    assert promoted >= copied.safe + 500


def test_nobody_is_compared_by_blue_green() -> None:
    policy = spec(rollout={"strategy": "BlueGreen"})
    assert list(decision_times(policy, rps=RPS, bad_share=BAD, scrapes=[10.0])) == []


def test_pairs_are_proven_by_their_share_of_the_copies() -> None:
    paired = {"name": "answers", "paired": {"maxDisagreement": "0.02"}}
    rollout = {"strategy": "Shadow", "shadow": {"percent": 20}}
    (found,) = decision_times(
        spec(analysis={"metrics": [paired]}, rollout=rollout), rps=RPS, bad_share=BAD, scrapes=[10.0]
    )
    assert found.safe is not None
    assert found.harm[10.0] is not None
    assert 120 <= found.safe <= 180, "twelve windows at least"
    assert 120 <= found.harm[10.0] <= 180
