"""How much is asked for at once: never more than an answer may hold, and all of it where it fits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rollmodel.evidence.noise.noise import LEAST_SECONDS
from rollmodel.plan.deployment.analysis.budget import MOST_POINTS, history_ticks, most_windows, pods_matcher, pods_part
from rollmodel.plan.deployment.analysis.queries import queries

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]

#: The endings of Pods' names are of this alphabet.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def part(matcher: str | None) -> float:
    """The share of all pods that a matcher takes."""
    if matcher is None:
        return 1.0
    wanted = re.compile(matcher.removeprefix('pod=~"').removesuffix('"'))
    endings = [a + b for a in ALPHABET for b in ALPHABET]
    return sum(wanted.fullmatch("churn-x" + ending) is not None for ending in endings) / len(endings)


@pytest.mark.parametrize("series", [2, 20])
@pytest.mark.parametrize("pods", [1, 85, 300, 1000, 20_000, 10**6])
def test_it_is_known_how_many_pods_a_matcher_takes(pods: int, series: int) -> None:
    matcher = pods_matcher(pods, series, 10.0)
    assert pods_part(matcher) == pytest.approx(part(matcher))


@pytest.mark.parametrize("series", [2, 20])
@pytest.mark.parametrize("step", [5.0, 10.0, 15.0, 60.0])
@pytest.mark.parametrize("pods", [1, 20, 85, 300, 1000, 3000, 20_000])
def test_the_past_fits_and_is_long_enough(pods: int, step: float, series: int) -> None:
    ticks, share = history_ticks(pods * series, step), part(pods_matcher(pods, series, step))
    assert pods * share * series * ticks <= MOST_POINTS
    assert ticks * step >= LEAST_SECONDS
    assert pods * share >= 20 or share == 1


def test_few_pods_are_asked_for_three_hours() -> None:
    assert history_ticks(18 * 20, 10.0) == 1080
    assert pods_matcher(85, 20, 10.0) is None


@pytest.mark.parametrize(("series", "windows"), [(0, 30), (2000, 30), (40_000, 9), (10**6, 1)])
def test_a_break_of_many_pods_is_made_up_for_in_part(series: int, windows: int) -> None:
    assert most_windows(series) == windows


def test_of_many_pods_some_are_asked_for_their_past(serving: Serving) -> None:
    cluster = serving(analysis={})
    cluster.metrics = "missing"
    cluster.try_version()
    assert cluster.run(60, lambda: bool(queries(cluster.observe())))
    observed = cluster.observe()
    stable = observed.status.stable
    assert stable is not None
    many = stable.model_copy(update={"replicas": 900})
    asked = queries(replace(observed, status=observed.status.model_copy(update={"stable": many})))
    assert 'pod=~".+[bc]"' in asked["latency"].query
    assert "pod=~" not in asked["errors"].query
    assert asked["errors"].end - asked["errors"].start == 2220
