from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rollmodel.evidence.core.arrays import array, to_plain
from rollmodel.evidence.core.evalue import margin
from rollmodel.evidence.core.types import MetricHistory
from rollmodel.evidence.levels import levels
from rollmodel.evidence.means import model as means
from rollmodel.evidence.means.model import MeanTick
from rollmodel.evidence.means.past import MeanPast, from_history, unknown
from rollmodel.evidence.noise.dispersion import Prior

LEVEL = np.log(20)
LEVELS = levels(LEVEL, LEVEL)


def past(runs: int, *, variance: float = 0.25) -> MeanPast:
    one = np.ones(runs)
    return MeanPast(one, variance * one, 1000 * one, Prior(one, 0 * one, 360 * one), 0 * one)


def verdicts(
    factor: float, *, sign: float = 1.0, squares: bool = True, runs: int = 150
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds to proofs of harm (margin 1) and safety (margin 1.1): 50 and 950 values a tick, spread half the mean."""
    rng, known = np.random.default_rng(19), past(runs)
    config = means.configure(known, harm=margin(1.0), safe=margin(1.1), levels=LEVELS, sign=sign)
    state = means.begin(config, known)
    harm, safe = np.full(runs, np.inf), np.full(runs, np.inf)
    na, nb = np.full(runs, 50.0), np.full(runs, 950.0)
    for number in range(60):
        a = factor + 0.5 * rng.standard_normal(runs) / np.sqrt(na)
        b = 1.0 + 0.5 * rng.standard_normal(runs) / np.sqrt(nb)
        within = 0.25 * rng.chisquare(998, runs) if squares else np.full(runs, np.nan)
        state = means.update(config, state, MeanTick(na, a, nb, b, within))
        harm = np.where(means.log_harm(state) >= LEVEL, np.minimum(harm, 10.0 * number + 10), harm)
        safe = np.where(means.log_safe(state) >= LEVEL, np.minimum(safe, 10.0 * number + 10), safe)
    return harm, safe


@pytest.mark.parametrize(("factor", "expected"), [(1.05, 210), (1.10, 60)])
@pytest.mark.parametrize("squares", [True, False])
def test_a_higher_mean_is_found_in_the_reference_time(factor: float, expected: float, squares: bool) -> None:
    harm, _ = verdicts(factor, squares=squares)
    assert np.median(harm) <= 1.2 * expected


def test_equal_means_are_safe_and_raise_no_alarm() -> None:
    harm, safe = verdicts(1.0)
    assert np.isfinite(harm).mean() <= 0.03
    assert np.median(safe) <= 70


def test_at_the_safe_margin_safety_is_hardly_ever_claimed() -> None:
    _, safe = verdicts(1.1)
    assert np.isfinite(safe).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_where_lower_is_worse_the_margins_turn_round() -> None:
    worse, _ = verdicts(0.93, sign=-1.0)
    assert np.median(worse) <= 200
    better, safe = verdicts(1.05, sign=-1.0)
    assert np.isinf(better).all()
    assert np.isfinite(safe).all()
    config = means.configure(past(1), harm=margin(1.25, 0.1), safe=margin(2.0, 0.2), levels=LEVELS, sign=-1.0)
    assert to_plain(config)[1:4] == [[0.8], [-0.1], [0.5]]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-3.0, 3.0), min_size=2, max_size=6, unique=True),
    st.lists(st.floats(0.05, 1.0), min_size=6, max_size=6),
    st.floats(0.001, 5.0),
)
def test_the_expectation_of_the_bet_is_at_most_one(values: Any, weights: Any, gap: float) -> None:
    """Any law with mean 0 and the variance that was assumed, by enumeration over its values."""
    chance = array(weights[: len(values)]) / sum(weights[: len(values)])
    x = array(values) - chance @ array(values)
    variance = array(chance @ x**2)
    assume(variance > 1e-9)
    known = past(1, variance=float(variance))
    config = means.configure(known, harm=margin(1.0), safe=margin(1.1), levels=LEVELS)
    state = means.begin(config, known)
    e = means._catoni(array([gap]), np.ones(len(x)), x, np.full(len(x), variance), state)
    assert chance @ np.exp(e[:, 0]) <= 1 + 1e-9


def test_one_tick_never_decides_and_an_empty_arm_says_nothing() -> None:
    known = past(2)
    config = means.configure(known, harm=margin(1.0), safe=margin(1.1), levels=LEVELS)
    begun, one = means.begin(config, known), np.ones(2)
    wild = means.update(config, begun, MeanTick(500 * one, 1e6 * one, 500 * one, one, one))
    assert (means.log_harm(wild) < LEVEL).all()
    half = means.update(config, begun, MeanTick(array([0.0, 50.0]), 2 * one, 950 * one, one, 200 * one))
    assert means.log_harm(half)[0] == means.log_harm(begun)[0]
    assert means.log_harm(half)[1] > means.log_harm(begun)[1]


def test_history_tells_mean_spread_and_noise() -> None:
    rng = np.random.default_rng(20)
    pods = {}
    for pod in range(8):
        x = 2.0 + 0.5 * rng.standard_normal((400, 100))
        pods[f"pod-{pod}"] = np.stack([np.full(400, 100.0), x.sum(1), (x * x).sum(1)], axis=1).tolist()
    known = from_history(MetricHistory(pods), share=0.1, interval=10.0)
    assert known.mean == pytest.approx(2.0, rel=0.01)
    assert known.variance == pytest.approx(0.25, rel=0.03)
    assert known.prior.dispersion == pytest.approx(1.0, abs=0.2)
    assert known.teach == 0
    single = from_history(MetricHistory({"pod-0": pods["pod-0"]}), share=0.1, interval=10.0)
    assert single.prior.dispersion == pytest.approx(1.0, abs=0.2)
    short = from_history(MetricHistory({"pod-0": pods["pod-0"][:50]}), share=0.1, interval=10.0)
    assert short.teach == unknown().teach == 30
    assert from_history(MetricHistory(), share=0.1, interval=10.0).teach == 30


@pytest.mark.parametrize("pods", [8, 1])
def test_without_squares_the_spread_is_that_of_differences(pods: int) -> None:
    """A day's rise of the mean, shared by all pods, is no spread; steady noise of a tick is."""
    rng, rise = np.random.default_rng(23), np.linspace(2.0, 4.0, 400)
    known = {}
    for pod in range(pods):
        x = rise[:, None] + 0.5 * rng.standard_normal((400, 100))
        known[f"pod-{pod}"] = np.stack([np.full(400, 100.0), x.sum(1)], axis=1).tolist()
    past = from_history(MetricHistory(known), share=0.1, interval=10.0)
    assert past.mean == pytest.approx(3.0, rel=0.01)
    assert past.variance == pytest.approx(0.25, rel=0.2)
    assert past.prior.dispersion == pytest.approx(1.0, abs=1e-6)
    assert (float(past.weight), float(past.teach)) == (400.0, 0.0)
    short = {name: samples[:50] for name, samples in known.items()}
    assert from_history(MetricHistory(short), share=0.1, interval=10.0).teach == 30


@pytest.mark.parametrize("samples", [[[10.0, 5.0]], [[10.0, 5.0]] * 400, [[0.0, 0.0]] * 400])
def test_a_history_without_spread_is_none(samples: Any) -> None:
    assert from_history(MetricHistory({"p": samples, "q": samples}), share=0.1, interval=10.0).weight == 0
