from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.evalue import log_evalue_of_one_arm, tick
from rollmodel.evidence.core.mixture import log_total
from rollmodel.evidence.counts import guardrail
from rollmodel.evidence.levels import levels
from scipy.stats import binom

LEVELS = levels(np.log(1000), np.log(20))


def first_breach(rate: float, requests: int, *, runs: int = 200, ticks: int = 360, phi: float = 1.0) -> np.ndarray:
    """Ticks until the candidate is proven above 5 %, inf for never; the stable arm is clean."""
    rng, config = (
        np.random.default_rng(14),
        guardrail.configure(np.full(runs, 0.05), LEVELS),
    )
    state, first = guardrail.begin(config), np.full(runs, np.inf)
    for number in range(ticks):
        now = tick(np.full(runs, requests), rng.binomial(requests, rate, runs), np.full(runs, 950), np.full(runs, 5))
        state = guardrail.update(config, state, now, np.full(runs, phi), 10.0)
        first = np.where(guardrail.breached(config, state), np.minimum(first, number + 1), first)
    return first


@pytest.mark.parametrize(("requests", "expected"), [(50, 17), (500, 3)])
def test_delays_are_those_of_the_reference(requests: Any, expected: Any) -> None:
    assert np.median(first_breach(0.1, requests, ticks=60)) == pytest.approx(expected, abs=2)


def test_a_rate_below_the_ceiling_never_trips() -> None:
    assert np.isinf(first_breach(0.04, 50)).all()


def test_below_the_ceiling_is_proven() -> None:
    config = guardrail.configure(0.05, LEVELS)
    state, rng, ticks = guardrail.begin(config), np.random.default_rng(15), 0
    while not guardrail.below(config, state):
        state = guardrail.update(config, state, tick(50, rng.binomial(50, 0.005), 0, 0), array(1.0), 10.0)
        ticks += 1
    assert 2 <= ticks <= 15


@pytest.mark.parametrize("rate", [0.05, 0.03, 0.001])
def test_the_expectation_at_and_below_the_ceiling_is_at_most_one(rate: Any) -> None:
    """By enumeration over every outcome of one tick, untempered."""
    requests = 40
    k = np.arange(requests + 1.0)
    log_e = log_evalue_of_one_arm(np.full(k.shape, float(requests)), k, np.full(k.shape, 0.05), guardrail.ABOVE)
    assert (binom.pmf(k, requests, rate) @ np.exp(log_e) <= 1 + 1e-9).all()


def test_the_mirror_has_its_null_above_the_ceiling() -> None:
    k = np.arange(41.0)
    log_e = log_evalue_of_one_arm(np.full(k.shape, 40.0), k, np.full(k.shape, 0.05), guardrail.BELOW)
    for rate in (0.05, 0.1, 0.5):
        assert (binom.pmf(k, 40, rate) @ np.exp(log_e) <= 1 + 1e-9).all()


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_shared_incident_is_never_blamed_on_the_candidate(share: Any) -> None:
    """Both arms break the ceiling for two minutes, again and again; healthy in between."""
    runs, rng = 200, np.random.default_rng(16)
    na, nb = int(1000 * share), int(1000 * (1 - share))
    config = guardrail.configure(np.full(runs, 0.05), LEVELS)
    state, blamed, noticed = guardrail.begin(config), np.zeros(runs, bool), np.zeros(runs, bool)
    for number in range(180):
        rate = 0.3 if number % 60 < 12 else 0.005
        now = tick(np.full(runs, na), rng.binomial(na, rate, runs), np.full(runs, nb), rng.binomial(nb, rate, runs))
        state = guardrail.update(config, state, now, np.ones(runs), 10.0)
        blamed |= guardrail.breached(config, state)
        noticed |= guardrail.shared(config, state)
    assert noticed.all()
    assert blamed.mean() <= 0.02


def test_evidence_given_back_leaves_the_wealth_at_one() -> None:
    config = guardrail.configure(0.05, LEVELS)
    state = guardrail.begin(config)
    for _ in range(10):
        state = guardrail.update(config, state, tick(50, 25, 950, 475), array(1.0), 10.0)
    assert_allclose(log_total(state.candidate), 0.0, atol=1e-9)
