from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.evalue import tick
from rollmodel.evidence.noise.dispersion import Prior, accumulate, empty, estimate, fold, phi, ratio

from tests.support.simulation.judging import bad_requests

NO_PRIOR = Prior(array(1.0), array(0.0), array(1e-9))


def summed(ka: Any, kb: Any, na: Any = 5000.0, nb: Any = 95_000.0) -> Any:
    """Sums of two arms with about 0.5 % bad requests, history along the last axis."""
    return accumulate(tick(np.full(np.shape(ka), na), ka, np.full(np.shape(kb), nb), kb))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 90), st.integers(1, 900), st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30
    )
)
def test_a_history_at_once_equals_tick_by_tick(ticks: Any) -> None:
    na, nb = array([t[0] for t in ticks]), array([t[1] for t in ticks])
    ka, kb = np.floor(na * [t[2] for t in ticks]), np.floor(nb * [t[3] for t in ticks])
    whole, steps = accumulate(tick(na, ka, nb, kb)), empty(())
    bad = total = 0.0
    for one in zip(na, ka, nb, kb, strict=True):
        total, bad = total + one[0] + one[2], bad + one[1] + one[3]
        steps = fold(steps, tick(*one), array(bad / total))
    for name in whole.__slots__:
        assert_allclose(getattr(whole, name), getattr(steps, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("times", [1.0, 3.0])
def test_independent_requests_have_no_over_dispersion_whatever_the_effect(times: Any) -> None:
    rng = np.random.default_rng(1)
    sums = summed(rng.poisson(25 * times, (50, 2000)), rng.poisson(475, (50, 2000)))
    now = estimate(sums)
    assert_allclose(now.dispersion.mean(), 1.0, atol=0.02)
    assert_allclose(now.lag.mean(), 0.0, atol=0.01)
    assert_allclose(ratio(sums).mean(), times, rtol=0.01)


def test_load_and_incidents_that_both_arms_share_cancel() -> None:
    rng = np.random.default_rng(2)
    shared = 1 + 9 * (np.arange(2000) % 100 < 10)
    now = estimate(summed(rng.poisson(25 * shared, (50, 2000)), rng.poisson(475 * shared, (50, 2000))))
    assert_allclose(now.dispersion.mean(), 1.0, atol=0.03)


@pytest.mark.parametrize(("noise", "expected", "lag"), [("bursts", 4.0, 0.0), ("ar.6", 5.27, 4.27 * 0.6)])
def test_noise_of_an_arm_is_found(noise: Any, expected: Any, lag: Any) -> None:
    """With a spread of 0.3 the arms' noise adds 25 * 0.09 and 475 * 0.09 to their own dispersions."""
    rng = np.random.default_rng(3)
    now = estimate(summed(bad_requests(rng, 25, (2000, 60), noise).T, bad_requests(rng, 475, (2000, 60), noise).T))
    assert_allclose(now.dispersion.mean(), expected, rtol=0.1)
    assert_allclose(now.lag.mean(), lag, rtol=0.15, atol=0.1)


def test_phi_is_never_below_one_and_adds_the_lags() -> None:
    sums = empty(())
    assert phi(sums, Prior(array(0.4), array(-0.3), array(10.0))) == 1.0
    assert phi(sums, Prior(array(2.0), array(0.3), array(10.0))) == pytest.approx(4.0)


def test_the_prior_fades_as_ticks_come() -> None:
    rng = np.random.default_rng(4)
    wary = Prior(array(20.0), array(0.0), array(10.0))
    short, long = (summed(rng.poisson(25, n), rng.poisson(475, n)) for n in (5, 2000))
    assert phi(short, wary) > 10
    assert phi(long, wary) < 1.5


def test_nothing_seen_is_no_estimate() -> None:
    now = estimate(empty((2,)))
    assert now.dispersion.tolist() == [1.0, 1.0]
    assert now.ticks.tolist() == [0.0, 0.0]
    assert ratio(empty(())) == 1.0


def test_the_ratio_is_bounded() -> None:
    assert ratio(summed(array([0.0, 0.0]), array([3.0, 4.0]))) == 0.02
    assert ratio(summed(array([3.0, 4.0]), array([0.0, 0.0]))) == 50.0
    assert phi(summed(array([3.0, 4.0]), array([0.0, 0.0])), NO_PRIOR) >= 1
