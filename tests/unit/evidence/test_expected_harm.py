"""How much harm is still possible: the limit of a share, and what of it a larger weight would let happen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.evidence.core.types import JudgePlan, MetricPlan, MetricReport
from rollmodel.evidence.expected_harm import RISK, expected_harm, notice_seconds, possible_share, upper_share

ERRORS = MetricPlan("errors", "count")
PLAN = JudgePlan([ERRORS])
#: 100 requests per second, 0.5 % of which are bad, as many of the candidate's.
REPORT = MetricReport("errors", "Undecided", e_harm=0.5, na=2000, ka=10, nb=38000, kb=190, pace=1000.0)


def harm(report: MetricReport = REPORT, share: float = 0.25, plan: JudgePlan = PLAN) -> float:
    return expected_harm(plan, [report], share=share, late=5.0)


@pytest.mark.parametrize(
    ("requests", "bad", "expected"),
    [(50, 0, 0.081), (250, 0, 0.020), (2000, 10, 0.0123), (20000, 100, 0.0071), (20000, 1000, 0.056), (10, 10, 1.0)],
)
def test_the_limit_of_a_share(requests: float, bad: float, expected: float) -> None:
    assert upper_share(requests, bad) == pytest.approx(expected, rel=0.02)


def test_the_limit_holds_at_all_times_together() -> None:
    rng, runs, left = np.random.default_rng(1), 200, 0
    for _ in range(runs):
        bad = np.cumsum(rng.binomial(25, 0.02, 80))
        left += any(upper_share(25 * (at + 1), float(seen)) < 0.02 for at, seen in enumerate(bad))
    assert left <= RISK * runs


def test_nothing_is_excluded_before_the_first_request() -> None:
    nothing = replace(REPORT, na=0, ka=0)
    assert possible_share(ERRORS, nothing) == 1
    assert notice_seconds(PLAN, ERRORS, 5.0) == 3 * 10 + 5
    assert harm(nothing, share=0.05) == pytest.approx(0.05 * 100 * 35)


def test_nothing_is_let_happen_while_the_noise_is_learnt() -> None:
    assert harm(replace(REPORT, learning=(3, 16))) == math.inf


@pytest.mark.parametrize("verdict", ["ProvenSafe", "Passing"])
def test_what_is_proven_safe_is_no_harm(verdict: str) -> None:
    assert harm(replace(REPORT, verdict=verdict)) == 0  # type: ignore[arg-type]


def test_what_lies_within_the_safe_margin_is_no_harm() -> None:
    many = replace(REPORT, na=200_000, ka=1000, nb=200_000, kb=1000)
    assert upper_share(200_000, 1000) < 1.5 * 0.005
    assert harm(many) == 0


def test_noise_leaves_more_possible() -> None:
    assert harm(replace(REPORT, dispersion=4.0)) > 2 * harm()


@pytest.mark.parametrize(
    ("better", "low", "high", "expected"),
    [
        ("Lower", 0.8, 1.6, 0.6),
        ("Lower", 0.5, 1.2, 0.0),
        ("Lower", 0.9, 4.0, 1.0),
        ("Higher", 0.4, 1.2, 0.6),
        ("Higher", 0.81, 3.0, 0.0),
        ("Higher", None, None, 1.0),
    ],
)
def test_a_mean_counts_the_part_by_which_it_may_be_worse(
    better: str, low: float | None, high: float | None, expected: float
) -> None:
    metric = MetricPlan("score", "mean", safe_ratio=1.25, higher_is_worse=better == "Lower")
    report = MetricReport("score", "Undecided", na=100, nb=900, low=low, high=high)
    assert possible_share(metric, report) == pytest.approx(expected)


@pytest.mark.parametrize(("high", "expected"), [(None, 1.0), (3.0, 0.04), (0.9, 0.0), (80.0, 0.98)])
def test_of_pairs_those_that_may_not_differ_count(high: float | None, expected: float) -> None:
    report = MetricReport("same", "Undecided", na=100, high=high, unit="pairs")
    assert possible_share(MetricPlan("same", "paired", value_max=0.02), report) == pytest.approx(expected)


@pytest.mark.parametrize(("verdict", "expected"), [("Passing", 0.0), ("Undecided", 1.0)])
def test_a_threshold_allows_all_or_nothing(verdict: str, expected: float) -> None:
    report = MetricReport("queue", verdict, na=4)  # type: ignore[arg-type]
    assert possible_share(MetricPlan("queue", "value", value_max=1.0), report) == expected


def test_the_metric_that_is_worst_off_counts() -> None:
    plan = JudgePlan([ERRORS, MetricPlan("labels", "count", delay=3600.0)])
    labels = replace(REPORT, name="labels", na=0, ka=0)
    both = expected_harm(plan, [REPORT, labels], share=0.1, late=5.0)
    assert both == pytest.approx(0.1 * 100 * 3635)
    assert expected_harm(plan, [], share=0.1, late=5.0) == math.inf


SHARES = st.floats(0.01, 0.99)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(1, 5), SHARES, SHARES)
def test_a_larger_share_never_does_less(na: int, rate: float, noise: float, one: float, other: float) -> None:
    report = replace(REPORT, na=na, ka=round(na * rate), dispersion=noise)
    less, more = (harm(report, share) for share in sorted((one, other)))
    assert 0 <= less <= more * (1 + 1e-9)


def test_beside_a_baseline_what_is_compared_is_a_part_of_the_requests() -> None:
    """At 10 % a fifth of the requests is compared: the same traffic shows a fifth of the pace."""
    report = replace(REPORT, nb=2000, kb=10, pace=200.0)
    glaring = replace(report, e_harm=None)
    beside = expected_harm(PLAN, [glaring], share=0.25, late=5.0, now=0.1)
    assert beside == pytest.approx(expected_harm(PLAN, [glaring], share=0.25, late=5.0, rps=100.0))
    assert expected_harm(PLAN, [report], share=0.25, late=5.0, now=0.1) >= beside
