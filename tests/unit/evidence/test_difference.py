from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.evidence.difference import percentiles, student_quantile, welch
from scipy import stats

from tests.support.running.effort import effort

values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20)


@pytest.mark.parametrize("freedom", [1, 1.3, 2, 3.7, 5, 10, 30, 100, 1e3, 1e4, 1e5])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.9, 0.975, 0.995, 0.9995])
def test_the_quantile_is_scipys(probability: float, freedom: float) -> None:
    expected = stats.t.ppf(probability, freedom)
    assert student_quantile(probability, freedom) == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_beyond_the_grid_the_quantile_is_at_most_slightly_too_wide() -> None:
    for freedom in (1e6, 1e9, 1e15):
        expected = stats.t.ppf(0.975, freedom)
        assert expected <= student_quantile(0.975, freedom) <= expected * (1 + 2e-5)


@pytest.mark.parametrize("sizes", [(2, 2), (5, 5), (3, 40), (1000, 10)])
def test_the_interval_is_scipys(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(sizes))
    a, b = rng.normal(0.8, 0.01, sizes[0]), rng.normal(0.79, 0.05, sizes[1])
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    difference = welch(a, b)
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high), rel=1e-7)
    assert difference.middle == pytest.approx(a.mean() - b.mean())


def test_the_truth_lies_outside_in_one_of_twenty_cases() -> None:
    rng, runs = np.random.default_rng(7), effort(500, 2000)
    a, b = rng.normal(1.0, 1.0, (runs, 5)), rng.normal(0.0, 3.0, (runs, 8))
    intervals = [welch(x, y) for x, y in zip(a, b, strict=True)]
    outside = np.mean([not i.low <= 1.0 <= i.high for i in intervals])
    assert abs(outside - 0.05) < 4 * math.sqrt(0.05 * 0.95 / runs)


@given(values, values)
def test_swapping_the_samples_mirrors_the_interval(a: list[float], b: list[float]) -> None:
    one, other = welch(a, b), welch(b, a)
    assert one.low <= one.middle <= one.high
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_without_spread_the_interval_is_a_point() -> None:
    assert welch([0.5] * 4, [0.25] * 3) == (0.25, 0.25, 0.25)


def test_draws_of_normal_means_give_the_normal_interval() -> None:
    grid = stats.norm.ppf((np.arange(1000) + 0.5) / 1000)
    difference = percentiles(1.0 + 0.3 * grid, 0.4 * grid)
    half = 0.5 * stats.norm.ppf(0.975)
    assert difference == pytest.approx((1.0, 1.0 - half, 1.0 + half), abs=0.005)


def test_what_no_float_can_hold_is_not_finite() -> None:
    assert not math.isfinite(welch([1e308, -1e308, 1e308], [0.0, 1.0]).low)
    assert not math.isfinite(percentiles([1.7e308], [-1.7e308]).high)
