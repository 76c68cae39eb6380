from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rollmodel.evidence.core.evalue import margin, tick
from rollmodel.evidence.counts import model as counts
from rollmodel.evidence.counts.interval import ratio_interval, seconds_to_harm, seconds_to_safe
from rollmodel.evidence.levels import levels

from tests.support.simulation.judging import baseline

LEVEL = np.log(20)


def begun(runs: int = 1, rate: float = 0.005) -> Any:
    known = baseline(rate, (runs,))
    config = counts.configure(known, harm=margin(1.0), safe=margin(1.5), levels=levels(LEVEL, LEVEL))
    return config, counts.begin(config, known)


@pytest.mark.parametrize("times", [1.0, 2.0])
def test_the_truth_is_hardly_ever_outside(times: Any) -> None:
    runs, rng = 300, np.random.default_rng(12)
    config, state = begun(runs)
    outside = np.zeros(runs, dtype=bool)
    for _ in range(200):
        state = counts.update(
            config, state, tick(50, rng.binomial(50, 0.005 * times, runs), 950, rng.binomial(950, 0.005, runs))
        )
        low, high = ratio_interval(config, state)[1:]
        outside |= (low > times) | (high < times)
    assert outside.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_no_interval_before_five_bad_requests() -> None:
    config, state = begun()
    state = counts.update(config, state, tick(50, 4, 950, 5))
    assert np.isnan(ratio_interval(config, state).ratio).all()
    state = counts.update(config, state, tick(50, 1, 950, 5))
    assert np.isfinite(ratio_interval(config, state)).all()


def test_the_time_needed_is_near_the_median_time() -> None:
    """Predicted after five minutes of a doubled rate, and for safety before the first window."""
    runs, rng = 300, np.random.default_rng(13)
    config, state = begun(runs)
    crossed, predicted = np.full(runs, np.inf), np.zeros(runs)
    for number in range(250):
        state = counts.update(
            config, state, tick(50, rng.binomial(50, 0.01, runs), 950, rng.binomial(950, 0.005, runs))
        )
        crossed = np.where(counts.log_harm(state) >= LEVEL, np.minimum(crossed, number + 1), crossed)
        if number == 29:
            predicted = seconds_to_harm(config, state, 10.0)
    open_still = crossed > 30
    remaining = 10.0 * (np.median(crossed[open_still]) - 30)
    assert 0.4 < np.median(predicted[open_still]) / remaining < 2.5


def test_what_is_proven_needs_no_more_time_and_what_cannot_come_needs_for_ever() -> None:
    config, state = begun()
    for _ in range(3):
        state = counts.update(config, state, tick(50, 40, 950, 5))
    assert seconds_to_harm(config, state, 10.0) == 0
    config, state = begun()
    state = counts.update(config, state, tick(50, 0, 950, 5))
    assert np.isinf(seconds_to_harm(config, state, 10.0)).all()
    assert np.isfinite(seconds_to_safe(config, state, 10.0)).all()
