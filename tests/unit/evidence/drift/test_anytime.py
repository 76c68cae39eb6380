"""E-values: their mean is at most one, their maximum keeps its promise, and a change is seen where they say so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.evidence.drift.anytime import (
    careful_dispersion,
    compare_anytime,
    log_e_value,
    log_most,
    radius,
    visible_psi_anytime,
)

SHARE = np.array([0.01, 0.09, *[0.1] * 8, 0.09, 0.01])
ONE = np.ones(1)


@pytest.mark.parametrize(("bins", "rows"), [(2, 40), (5, 200), (12, 1000)])
def test_the_reference_is_no_farther_from_the_truth_than_said(bins: int, rows: int) -> None:
    rng = np.random.default_rng(bins)
    truth = rng.dirichlet(np.ones(bins))
    found = rng.multinomial(rows, truth, size=20_000).astype(float)
    away = np.where(found > 0, found * np.log(np.maximum(found, 1e-9) / (rows * truth)), 0.0).sum(axis=1)
    for delta in (0.2, 0.05, 0.01):
        assert (away > radius(bins, delta)).mean() <= delta


@settings(max_examples=5, deadline=None)
@given(st.integers(2, 8), st.integers(100, 1500), st.integers(0, 10_000))
def test_looking_all_the_time_raises_no_more_alarms_than_said(bins: int, rows: int, seed: int) -> None:
    """A reference, then rows that come in tens: the largest e-value of 40 looks is above 1/a in at most a + delta."""
    rng, worlds, a, delta = np.random.default_rng(seed), 100, 0.1, 0.02
    truth = rng.dirichlet(3.0 * np.ones(bins)) * 0.9 + 0.1 / bins
    reference = rng.multinomial(rows, truth, size=worlds).astype(float) + 0.0
    live = np.cumsum(rng.multinomial(10, truth, size=(40, worlds)), axis=0).astype(float)
    allowed = np.full((40, worlds), radius(bins, delta))
    log_e = log_e_value(np.maximum(reference, 0.5), live, allowed).max(axis=0)
    wrong = int((log_e >= math.log(1.0 / a)).sum())
    assert wrong <= worlds * (a + delta) + 3.0 * math.sqrt(worlds * (a + delta))


def test_the_least_favourable_shares_are_within_reach_and_no_others_are_worse() -> None:
    """By brute force over two bins."""
    reference, live = np.array([[300.0, 700.0]]), np.array([[60.0, 40.0]])
    allowed = radius(2, 0.01)
    p = np.linspace(0.001, 0.999, 99_901)
    away = 300 * np.log(300 / (1000 * p)) + 700 * np.log(700 / (1000 * (1 - p)))
    most = (60 * np.log(p) + 40 * np.log(1 - p))[away <= allowed].max()
    prior = [w * 2 * np.array([0.3, 0.7]) for w in (1.0, 10.0, 100.0)]
    mixture = [
        math.lgamma(a.sum())
        - math.lgamma(a.sum() + 100)
        + sum(math.lgamma(x + n) - math.lgamma(x) for x, n in zip(a, (60, 40), strict=True))
        for a in prior
    ]
    expected = math.log(sum(math.exp(one) for one in mixture) / 3) - most
    assert log_e_value(reference, live, np.array([allowed]))[0] == pytest.approx(expected, abs=1e-3)


def _by_bisection(reference: np.ndarray, live: np.ndarray, allowed: float) -> float:
    """Log of the largest probability of the rows: shares are a mean of both, as near to the rows as is allowed."""
    low, high = -30.0, 30.0
    for _ in range(80):
        middle = (low + high) / 2.0
        both = live + math.exp(middle) * reference
        shares = both / both.sum()
        far = (reference * np.log(reference / reference.sum() / shares)).sum() > allowed
        low, high = (middle, high) if far else (low, middle)
    return float((live[live > 0.0] * np.log(shares[live > 0.0])).sum())


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 20), st.floats(2, 7), st.floats(0, 7), st.floats(-6, -1), st.integers(0, 10_000))
def test_the_least_favourable_shares_are_found_in_a_few_steps(
    bins: int, log_m: float, log_n: float, log_delta: float, seed: int
) -> None:
    """The same world or another one; a bound that is too high is careful, one that is too low is wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.ones(bins))
    world = truth if seed % 2 else rng.dirichlet(np.ones(bins))
    reference = np.maximum(rng.multinomial(int(10**log_m), truth), 0.5).astype(float)
    live = rng.multinomial(int(10**log_n), world) / (1.0 + seed % 3)
    allowed = radius(bins, 10**log_delta)
    found = float(log_most(reference, live, np.array(allowed)))
    exact = _by_bisection(reference, live, allowed)
    assert exact - 1e-3 <= found <= exact + 0.1


def test_rows_that_come_in_bursts_are_worth_fewer() -> None:
    rng = np.random.default_rng(2)
    reference = rng.multinomial(10_000, SHARE, size=(1, 400)).astype(float)
    live = 5.0 * rng.multinomial(400, SHARE, size=(1, 400)).astype(float)
    delta = np.full(400, 0.01)
    for dispersion, most in ((np.full(400, 5.0), 0.0), (np.ones(400), 1.0)):
        found = compare_anytime(reference, live, dispersion=dispersion, delta=delta)
        assert (found.log10_p < -3.0).mean() <= most
    naive = compare_anytime(reference, 4.0 * live, dispersion=np.ones(400), delta=delta)
    assert (naive.log10_p < -1.5).any(), "without it there would be alarms"
    assert careful_dispersion(np.array([2.0]), 30.0)[0] == pytest.approx(2.0 * (1 + 2 * math.sqrt(2 / 300)))
    assert careful_dispersion(ONE, math.inf)[0] == 1.0


@pytest.mark.parametrize("rows", [1500, 10_000])
def test_a_change_of_the_size_that_is_said_to_be_visible_is_seen(rows: int) -> None:
    rng, alpha, delta = np.random.default_rng(5), 1e-6, 1e-3
    size = visible_psi_anytime(rows, 10_000, 11, alpha=alpha, delta=delta)
    step = np.sqrt(size)  # mass from one half to the other: PSI is about the square of the relative change
    moved = np.where(np.arange(12) < 6, SHARE * (1 - step), SHARE * (1 + step))
    reference = rng.multinomial(10_000, SHARE, size=(1, 200)).astype(float)
    live = rng.multinomial(rows, moved / moved.sum(), size=(1, 200)).astype(float)
    found = compare_anytime(reference, live, dispersion=np.ones(200), delta=np.full(200, delta))
    assert (found.log10_p < math.log10(alpha)).mean() > 0.7
    smaller = np.where(np.arange(12) < 6, SHARE * (1 - step / 2), SHARE * (1 + step / 2))
    live = rng.multinomial(rows, smaller / smaller.sum(), size=(1, 200)).astype(float)
    found = compare_anytime(reference, live, dispersion=np.ones(200), delta=np.full(200, delta))
    assert (found.log10_p < math.log10(alpha)).mean() < 0.3


def test_nothing_to_compare_says_nothing() -> None:
    empty = np.zeros((1, 1, 4))
    assert compare_anytime(empty, empty, dispersion=ONE, delta=ONE / 100).log10_p.tolist() == [[0.0]]
    some = np.array([[[100.0, 100.0, 0.0, 0.0]]])
    assert compare_anytime(some, empty, dispersion=ONE, delta=ONE / 100).log10_p.tolist() == [[0.0]]
    assert math.isinf(visible_psi_anytime(0, 100, 3, alpha=0.1, delta=0.1))
