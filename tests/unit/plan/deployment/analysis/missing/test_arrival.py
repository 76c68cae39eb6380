"""Samples that come late or seldom: a bad version loses its traffic all the same, and a healthy one is promoted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rollmodel.evidence.core.increments import Grid
from rollmodel.evidence.core.samples import CountSample, PodSeries
from rollmodel.evidence.core.windows import count_samples
from rollmodel.plan.deployment.analysis.missing.arrival import complete_until, scrape_seconds, window_seconds
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.observed import Answer

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]

ARRIVALS: list[dict[str, Any]] = [
    {},
    {"lag": 12},
    {"lag": 20},
    {"lag": 40},
    {"lag": 65},
    {"latency_offset": 30},
    {"scrape": 30},
    {"scrape": 60},
    {"scrape": 30, "lag": 20},
    {"scrape": 30, "latency_offset": 30},
    {"scrape": 15},
    {"skew": 20},
    {"skew": -20},
]


def arriving(serving: Serving, **how: Any) -> Cluster:
    cluster = serving(scale={"replicas": 1})
    for knob, value in how.items():
        setattr(cluster, knob, value)
    return cluster


@pytest.mark.parametrize("how", ARRIVALS, ids=str)
def test_a_version_that_fails_half_of_its_requests_is_rolled_back(serving: Serving, how: dict[str, Any]) -> None:
    cluster = arriving(serving, **how)
    revision = cluster.try_version(bad=0.5)
    assert cluster.run(600, cluster.has_weight)
    assert cluster.run(600, lambda: bool(cluster.status.get("rejected")))
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert cluster.run(120, lambda: not cluster.served.get(revision))


@pytest.mark.parametrize("how", ARRIVALS, ids=str)
def test_a_healthy_version_is_promoted(serving: Serving, how: dict[str, Any]) -> None:
    cluster = arriving(serving, **how)
    cluster.try_version()
    assert cluster.run(7200, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"


def test_longer_windows_are_told(serving: Serving) -> None:
    cluster = arriving(serving, scrape=30)
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    message = cluster.condition("MetricsAvailable")["message"]
    assert message.endswith("samples come less often than every 10 s: windows of 60 s")


@pytest.mark.parametrize("lag", [250, 500])
def test_samples_that_are_too_late_to_judge_name_the_setting(serving: Serving, lag: int) -> None:
    cluster = arriving(serving, lag=lag)
    cluster.try_version(bad=0.5)
    assert cluster.run(600, cluster.has_weight)
    assert cluster.run(3 * lag, lambda: cluster.condition("MetricsAvailable")["reason"] == "SamplesLate")
    condition = cluster.condition("MetricsAvailable")
    assert condition["status"] == "False"
    assert f"about {lag} s" in condition["message"]
    assert f"set ROLLMODEL_PROMETHEUS_DELAY_SECONDS to {lag + 10}" in condition["message"]
    assert cluster.condition("Stalled")["reason"] == "SamplesLate"
    cluster.lag = 0
    assert cluster.run(600, lambda: bool(cluster.status.get("rejected")))


def test_a_pause_of_all_traffic_is_not_late(serving: Serving) -> None:
    cluster = arriving(serving, lag=20)
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.rate = 0
    cluster.run(900)
    assert cluster.condition("MetricsAvailable")["reason"] == "NoTraffic"
    cluster.rate = 1000
    assert cluster.run(7200, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert "SamplesLate" not in cluster.reasons()


def test_the_age_of_the_newest_sample_is_told(serving: Serving) -> None:
    cluster = arriving(serving, lag=40)
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.run(120)
    cluster.advance()
    assert decide(cluster.observe()).sample_age == 40


def test_a_lag_within_a_window_takes_the_same_part_of_everything() -> None:
    """Samples are 7 s late and asked for 5 s after a window: the newest repeats what was counted 2 s before."""
    requests = {
        ("candidate", "total"): 10.0,
        ("candidate", "bad"): 2.0,
        ("stable", "total"): 90.0,
        ("stable", "bad"): 9.0,
    }
    series = [
        PodSeries(
            "candidate" if arm == "candidate" else "stable", "pod", role, [(0.0, 1000 * rate), (10.0, 1008 * rate)]
        )
        for (arm, role), rate in requests.items()
    ]
    [(_, sample)] = count_samples(series, start=0.0, end=10.0, step=10.0)
    assert sample == CountSample(na=80, ka=16, nb=720, kb=72)


def answer(*series: Sequence[float | None]) -> list[Answer]:
    """Counters at 0 s, 10 s, ..; None where there is no point."""
    points = [[(10.0 * i, value) for i, value in enumerate(one) if value is not None] for one in series]
    return [Answer([({}, one) for one in points])]


@pytest.mark.parametrize(
    ("series", "until"),
    [
        ([[0, 1, 2, 3]], 30),
        ([[0, 1, 1, 1], [0, 0, 0, 5]], 30),
        ([[0, 1, 2, 2]], 10),
        ([[0, 1, 2, None]], 10),
        ([[0, 1, 1, 1]], 0),
        ([[5, 5, 5, 5]], 0),
        ([[None, None, 5, 6]], 30),
        ([], 0),
        ([[0, 1, *[2] * 20]], 90),
    ],
)
def test_windows_are_complete_up_to_the_newest_sample(series: list[list[float | None]], until: float) -> None:
    end = 10.0 * (max((len(one) for one in series), default=4) - 1)
    assert complete_until(answer(*series), Grid(0.0, end, 10.0)) == until


@pytest.mark.parametrize(
    ("series", "scrape", "window"),
    [
        ([[0, 1, 2, 3, 4]], 10, 10),
        ([[0, 0, 1, 2, 2, 3, 4, 4, 5, 6]], 10, 10),
        ([[0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4]], 30, 60),
        ([[0, 0, 0, 1, 1, 1, 2]], None, 10),
        ([], None, 10),
    ],
)
def test_windows_follow_the_samples(series: list[list[float | None]], scrape: float | None, window: float) -> None:
    found = scrape_seconds(answer(*series), Grid(0.0, 200.0, 10.0))
    assert found == scrape
    assert window_seconds(10.0, found) == window
