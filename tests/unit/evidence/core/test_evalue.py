from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.evalue import Pair, growth, kl, log_evalue, margin, tick


@pytest.mark.parametrize(
    ("counts", "guess", "line", "kappa", "expected"),
    [
        ((50, 2, 950, 5), 0.005, (1.0, 0.0), 2.0, 1.045749),
        ((50, 0, 950, 5), 0.005, (1.0, 0.0), 2.0, -0.243415),
        ((50, 30, 50, 20), 0.4, (1.0, 0.0), 1.35, 1.214842),
        ((50, 1, 950, 5), 0.005, (1.5, 0.0), 2 / 3, -0.257110),
        ((50, 1, 950, 5), 0.005, (1.0, 0.005), 0.5, -0.428093),
        ((400, 9, 400, 3), 0.01, (1.1, 0.001), 2.8, 1.125503),
        ((10, 10, 100, 1), 0.01, (1.0, 0.0), 8.0, 15.615706),
    ],
)
def test_reference_values(counts: Any, guess: Any, line: Any, kappa: Any, expected: Any) -> None:
    value = log_evalue(tick(*counts), array(guess), margin(*line), array([kappa]))
    assert_allclose(value, [expected], atol=1e-6)


@pytest.mark.parametrize("counts", [(0, 0, 100, 3), (100, 3, 0, 0), (0, 0, 0, 0)])
def test_an_empty_arm_says_nothing(counts: Any) -> None:
    assert log_evalue(tick(*counts), array(0.01), margin(1.1), array([0.5, 2.0])).tolist() == [0.0, 0.0]


def test_batches_agree_with_single_ticks() -> None:
    rng = np.random.default_rng(3)
    na, nb = rng.integers(0, 60, (4, 5)), rng.integers(0, 900, (4, 5))
    counts = tick(na, rng.binomial(na, 0.1), nb, rng.binomial(nb, 0.1))
    kappa = array([1.5, 3.0])
    whole = log_evalue(counts, array(0.1), margin(1.2, 0.01), kappa)
    for i, j in product(range(4), range(5)):
        one = log_evalue(tick(*(x[i, j] for x in counts)), array(0.1), margin(1.2, 0.01), kappa)
        assert_allclose(whole[i, j], one, atol=1e-12)


def outcomes(probabilities: list[float]) -> np.ndarray:
    """The law of the number of bad requests whose chances need not be equal, by convolution."""
    law = np.ones(1)
    for p in probabilities:
        law = np.convolve(law, [1 - p, p])
    return law


def log_e_of_outcomes(na: int, nb: int, guess: float, line: tuple[float, float], kappa: float) -> np.ndarray:
    """Log e for every pair of numbers of bad requests, [na + 1, nb + 1]."""
    ka, kb = np.meshgrid(np.arange(na + 1), np.arange(nb + 1), indexing="ij")
    counts = tick(np.full(ka.shape, na), ka, np.full(ka.shape, nb), kb)
    return log_evalue(counts, np.full(ka.shape, guess), margin(*line), array([kappa]))[..., 0]


ratios = st.floats(0.7, 3.0)
absolutes = st.one_of(st.just(0.0), st.floats(0.0, 0.05))
guesses = st.floats(0.0, 1.0)
sizes = st.integers(1, 6)


@settings(max_examples=250, deadline=None)
@given(st.data(), ratios, absolutes, guesses, st.floats(0.05, 10.0).filter(lambda k: abs(k - 1) > 0.01))
def test_the_expectation_under_the_null_is_at_most_one(
    data: Any, ratio: Any, absolute: Any, guess: Any, kappa: Any
) -> None:
    """Exact enumeration, requests with chances of their own, on the line and inside the null."""
    chances_b = data.draw(st.lists(st.floats(0.0001, 0.95), min_size=1, max_size=6))
    line = ratio * float(np.mean(chances_b)) + absolute
    chances_a = data.draw(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
    mean_a = float(np.mean(chances_a))
    if kappa > 1 and mean_a > line:
        chances_a = [p * line / mean_a for p in chances_a]
    if kappa < 1 and mean_a < line:
        if line >= 1:
            return
        chances_a = [1 - (1 - p) * (1 - line) / (1 - mean_a) for p in chances_a]
    e = np.exp(log_e_of_outcomes(len(chances_a), len(chances_b), guess, (ratio, absolute), kappa))
    assert outcomes(chances_a) @ e @ outcomes(chances_b) <= 1 + 1e-7


@settings(max_examples=100, deadline=None)
@given(ratios, absolutes, st.floats(0.001, 0.03), st.tuples(sizes, sizes), st.floats(1.2, 8.0))
def test_the_bet_pays_when_its_alternative_is_true(
    ratio: Any, absolute: Any, rate: Any, requests: Any, kappa: Any
) -> None:
    """Expected log e is positive at the guessed rate and the alternative itself."""
    odds = kappa * (ratio * rate + absolute) / (1 - ratio * rate - absolute)
    na, nb = requests
    log_e = log_e_of_outcomes(na, nb, rate, (ratio, absolute), kappa)
    assert outcomes([odds / (1 + odds)] * na) @ log_e @ outcomes([rate] * nb) > 0


def test_growth_is_what_the_best_bet_reaches() -> None:
    """The bound is met by the bet whose guess and alternative are the truth (up to its quadratic approximation)."""
    na, nb, rate, kappa = 50.0, 950.0, 0.005, 2.0
    line = margin(1.1, 0.001)
    odds = kappa * (1.1 * rate + 0.001) / (1 - 1.1 * rate - 0.001)
    truth = odds / (1 + odds)
    best = growth(Pair(array(na), array(nb)), Pair(array(truth), array(rate)), line)
    mean = log_evalue(tick(na, na * truth, nb, nb * rate), array(rate), line, array([kappa]))[0]
    assert mean <= best * (1 + 1e-9)
    assert mean == pytest.approx(float(best), rel=0.01)


def test_divergence_at_the_ends() -> None:
    assert_allclose(kl(array([0.0, 1.0, 0.3]), array([0.5, 0.5, 0.3])), [math.log(2), math.log(2), 0.0])
