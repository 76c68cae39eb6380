from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.mixture import (
    Mixture,
    Wealth,
    bet,
    log_total,
    mixture,
    release_seconds,
    start,
    windows_to_decide,
)

from tests.support.running.effort import effort

weights = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=7).map(lambda w: array(w) / sum(w))
SECONDS = array(10.0)


@given(weights, st.floats(0.0, 0.9), st.floats(0.5, 12.0))
def test_the_wealth_begins_at_one(prior: Any, reserve: Any, level: Any) -> None:
    assert_allclose(log_total(start(mixture(prior, reserve, level))), 0.0, atol=1e-12)


@settings(max_examples=effort(70, 200))
@given(weights, st.floats(0.0, 0.9), st.floats(0.05, 12.0), st.floats(1.0, 1e6))
def test_no_first_tick_decides(prior: Any, reserve: Any, level: Any, seconds: Any) -> None:
    """Even if every alternative gains more than it may, and all of the reserve is released."""
    made = mixture(prior, reserve, level)
    after = bet(made, start(made), np.full(prior.shape, 1e9), array(seconds))
    assert log_total(after) < level


@pytest.mark.parametrize("metrics", [1, 2, 5, 20])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_no_first_tick_decides_for_many_metrics_together(metrics: Any, alpha: Any) -> None:
    level, own = -np.log(alpha), np.log(metrics / alpha)
    made = mixture(np.full(7, 1 / 7), 0.25, own, joint=level)
    after = bet(made, start(made), np.full(7, 1e9), SECONDS)
    assert log_total(after) < level, "the mean over equal metrics is each one's wealth"


@pytest.mark.parametrize("metrics", [1, 2, 5])
@pytest.mark.parametrize("windows", [2, 4, 6])
def test_so_many_ticks_may_decide_and_fewer_never_do(metrics: Any, windows: Any) -> None:
    level, own = np.log(100), np.log(100 * metrics)
    made = mixture(np.full(7, 1 / 7), 0.25, own, joint=level, windows=windows)
    wealth = start(made)
    for _ in range(windows - 1):
        wealth = bet(made, wealth, np.full(7, 1e9), array(1e6))
    assert log_total(wealth) < level
    assert log_total(bet(made, wealth, np.full(7, 1e9), SECONDS)) > level


@pytest.mark.parametrize(("interval", "expected"), [(60, 2), (10, 2), (5, 2), (2, 4), (1, 6)])
def test_the_windows_that_decide_span_five_seconds(interval: Any, expected: Any) -> None:
    assert windows_to_decide(interval) == expected


@settings(max_examples=effort(100, 300))
@given(weights, st.floats(0.0, 1.0), st.floats(0.05, 0.95), st.floats(0.1, 600.0), st.data())
def test_the_expected_wealth_does_not_grow_under_the_null(
    prior: Any, reserve: Any, chance: Any, seconds: Any, data: Any
) -> None:
    """A tick with two outcomes and e-values of mean 1, from any wealth: exact expectation over both."""
    size = len(prior)
    some = st.lists(st.floats(0.001, 0.999), min_size=size, max_size=size)
    wealth = Wealth(np.log(data.draw(some)), array(reserve))
    up = array(data.draw(some)) / chance
    down = (1 - chance * up) / (1 - chance)
    made = Mixture(prior, array(reserve), np.full(size, 1.0), array(1800.0))
    after = [np.exp(log_total(bet(made, wealth, np.log(e), array(seconds)))) for e in (up, down)]
    assert chance * after[0] + (1 - chance) * after[1] <= np.exp(log_total(wealth)) + 1e-9


def ticks_to_a_late_proof(reserve: float, healthy: int, release: float = 1800.0) -> int:
    """Ticks of gains needed after so many of losses."""
    made = mixture(np.full(3, 1 / 3), reserve, np.log(20), release=release)
    wealth = start(made)
    for _ in range(healthy):
        wealth = bet(made, wealth, np.full(3, -0.2), SECONDS)
    ticks = 0
    while log_total(wealth) < np.log(20):
        wealth = bet(made, wealth, np.full(3, 0.2), SECONDS)
        ticks += 1
    return ticks


def test_the_reserve_meets_a_late_fault() -> None:
    assert ticks_to_a_late_proof(0.25, 180) < 0.3 * ticks_to_a_late_proof(0.0, 180)


def test_a_long_rollout_releases_its_reserve_more_slowly() -> None:
    assert release_seconds(600.0) == 1800.0
    half_a_day = ticks_to_a_late_proof(0.25, 2160, release_seconds(43200.0))
    assert half_a_day < 0.6 * ticks_to_a_late_proof(0.25, 2160)
