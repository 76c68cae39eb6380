from __future__ import annotations

from itertools import combinations_with_replacement
from math import factorial, prod
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rollmodel.evidence.core.arrays import array
from rollmodel.evidence.core.evalue import Pair, margin
from rollmodel.evidence.latency import model as latency
from rollmodel.evidence.latency.bins import SHIFTS, LatencyConfig, configure
from rollmodel.evidence.latency.curve import Curve, chosen_edges, curve, part_above
from rollmodel.evidence.latency.model import Sums, log_harm_bets
from rollmodel.evidence.levels import levels
from rollmodel.evidence.noise import latency_noise
from scipy.stats import gamma, norm

LEVEL = np.log(20)
EDGES = array([0.12, 0.168, 0.228, 0.273, 0.384])
DEFAULT_BUCKETS = array([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
MEDIAN, SIGMA = 0.12, 0.5


def shares(edges: Any, *, factor: float = 1.0, tail: float = 0.0) -> np.ndarray:
    """Shares of the buckets of lognormal latencies, ``tail`` of them four times as long."""
    x = np.log(np.asarray(edges) / (MEDIAN * factor))
    survival = (1 - tail) * norm.sf(x / SIGMA) + tail * norm.sf((x - np.log(4)) / SIGMA)
    return -np.diff(np.concatenate([[1.0], survival, [0.0]]))


def configured(edges: Any = EDGES, *, harm: float = 1.0, safe: float = 1.25) -> LatencyConfig:
    counts, lines = np.round(1e6 * shares(edges)), (margin(harm), margin(safe))
    return configure(edges, counts, harm=lines[0], safe=lines[1], levels=levels(LEVEL, LEVEL))


def test_the_reference_values_of_a_tick() -> None:
    """With the alternatives of the reference: survival linear in logit over log time, odds of the top survivals."""
    survival = array([0.5, 0.25, 0.10, 0.05, 0.01])
    logit, x = np.log(survival / (1 - survival)), np.log(EDGES)
    moved = x - np.log(SHIFTS)[:, None]
    first = (logit[1] - logit[0]) / (x[1] - x[0])
    shifted = np.interp(moved, x, logit) + np.minimum(moved - x[0], 0) * first
    tails = np.tile(logit, (2, 1))
    tails[0, -2:] += np.log(1.5)
    tails[1, -1:] += np.log(2.5)
    worse = 1 / (1 + np.exp(-np.concatenate([shifted, tails])))
    ends = np.ones((6, 1))
    q = -np.diff(np.concatenate([[1.0], survival, [0.0]]))
    tilt = np.maximum.accumulate(-np.diff(np.hstack([ends, worse, 0 * ends])) / q, axis=1)
    config = configured()
    object.__setattr__(config, "tilt", tilt / (tilt * q).sum(1, keepdims=True))
    canary, stable = array([20, 12, 9, 5, 3, 1]), array([480, 240, 140, 46, 35, 9])
    none = np.zeros(len(config.gates))
    log_e = log_harm_bets(config, Sums(canary, stable, none, array(10.0), array(1.0)))
    assert_allclose(log_e, [0.626412, 1.241407, 1.793262, -0.719914, 0.438684, 0.199755], atol=1e-6)


def test_the_expectation_under_the_null_is_at_most_one() -> None:
    """Every outcome of three and five requests in three bins, for equal arms and for a faster candidate."""
    config = configured(array([0.12, 0.25]))
    bins = len(config.shares)
    stable = array([0.45, 0.40, 0.15])
    for candidate in (stable, array([0.6, 0.3, 0.1]), array([0.9, 0.1, 0.0])):
        mean = np.zeros(6)
        for a, chance_a in multinomial(3, candidate, bins):
            for b, chance_b in multinomial(5, stable, bins):
                sums = Sums(a, b, np.zeros(len(config.gates)), array(10.0), array(1.0))
                mean += chance_a * chance_b * np.exp(log_harm_bets(config, sums))
        assert (mean <= 1 + 1e-9).all()


def multinomial(n: int, chances: np.ndarray, bins: int) -> list[tuple[np.ndarray, float]]:
    """Every outcome with its probability."""
    found = []
    for drawn in combinations_with_replacement(range(bins), n):
        counts = np.bincount(drawn, minlength=bins)
        ways = factorial(n) / prod(factorial(int(k)) for k in counts)
        found.append((counts.astype(float), float(ways * np.prod(chances**counts))))
    return found


def test_alternatives_get_worse_from_bin_to_bin_and_keep_the_total() -> None:
    for config in (configured(), configured(DEFAULT_BUCKETS), configured(DEFAULT_BUCKETS, harm=1.2)):
        assert (np.diff(config.tilt, axis=1) >= 0).all()
        assert_allclose((config.tilt * config.shares).sum(1), 1.0)


def test_edges_are_chosen_where_the_requests_are() -> None:
    counts = np.round(1e6 * shares(DEFAULT_BUCKETS))
    chosen = DEFAULT_BUCKETS[chosen_edges(DEFAULT_BUCKETS, curve(DEFAULT_BUCKETS, counts))]
    assert chosen.tolist() == [0.075, 0.1, 0.25, 0.5]


@pytest.mark.parametrize("law", [norm(loc=np.log(MEDIAN), scale=SIGMA), None])
def test_the_curve_is_near_between_coarse_bounds(law: Any) -> None:
    """Odds of the survival between Prometheus' default bounds, for lognormal and gamma latencies."""

    def survival(x: np.ndarray) -> np.ndarray:
        return np.asarray(law.sf(np.log(x)) if law else gamma.sf(x, 3, scale=0.045))

    counts = -np.diff(np.concatenate([[1.0], survival(DEFAULT_BUCKETS), [0.0]])) * 1e7
    points = np.array([0.06, 0.09, 0.15, 0.2, 0.3, 0.4])
    seen, true = curve(DEFAULT_BUCKETS, counts).survival(points), survival(points)
    assert_allclose(seen / (1 - seen), true / (1 - true), rtol=0.03)
    assert curve(DEFAULT_BUCKETS, counts).survival([0.0, -1.0]).tolist() == [1.0, 1.0]


def test_a_histogram_with_one_bound_still_has_a_curve() -> None:
    one = curve([0.1], [50, 50])
    assert isinstance(one, Curve)
    assert_allclose(one.survival([0.1]), 0.5)
    assert one.survival(0.2) < 0.5 < one.survival(0.05)


def test_the_part_above_a_bound_is_exact() -> None:
    stable = curve(EDGES, np.round(1e6 * shares(EDGES)))
    parts = part_above(EDGES, stable, array([0.168, 0.2, 0.0, 9.0]))
    assert parts[:, 0].tolist() == [0, 0, 1, 1, 1, 1]
    assert 0 < parts[2, 1] < 1
    assert parts[:, 2].tolist() == [1] * 6
    assert parts[:5, 3].tolist() == [0] * 5


def verdicts(
    factor: float, *, tail: float = 0.0, config: LatencyConfig, edges: Any, runs: int = 120, ticks: int = 60
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds to proofs of harm and of safety of simulated rollouts, 5 against 95 requests per second."""
    rng, state = np.random.default_rng(17), latency.begin(config, (runs,))
    harm, safe = np.full(runs, np.inf), np.full(runs, np.inf)
    for number in range(ticks):
        a = rng.multinomial(50, shares(edges, factor=factor, tail=tail), runs).astype(float)
        b = rng.multinomial(950, shares(edges), runs).astype(float)
        state = latency.update(config, state, Pair(a, b))
        harm = np.where(latency.log_harm(state) >= LEVEL, np.minimum(harm, 10.0 * number + 10), harm)
        safe = np.where(state.proven.min(-1) > 0, np.minimum(safe, 10.0 * number + 10), safe)
    return harm, safe


@pytest.mark.parametrize(
    ("factor", "tail", "expected"), [(1.05, 0.0, 270), (1.10, 0.0, 80), (1.25, 0.0, 20), (1.0, 0.02, 160)]
)
def test_slower_requests_are_found_in_the_reference_time(factor: float, tail: float, expected: float) -> None:
    harm, _ = verdicts(factor, tail=tail, config=configured(), edges=EDGES)
    assert np.median(harm) <= 1.2 * expected


def test_equal_latencies_are_proven_safe_in_the_reference_time_and_raise_no_alarm() -> None:
    harm, safe = verdicts(1.0, config=configured(), edges=EDGES)
    assert np.median(safe) <= 120
    assert np.isfinite(harm).mean() <= 0.05


def test_exactly_at_the_safe_margin_nothing_is_proven_safe() -> None:
    _, safe = verdicts(1.25, config=configured(), edges=EDGES)
    assert np.isfinite(safe).mean() <= 0.02


@pytest.mark.parametrize("edges", [EDGES, DEFAULT_BUCKETS], ids=["fine", "default"])
def test_a_margin_in_time_is_kept_also_between_bounds(edges: Any) -> None:
    config = configured(edges, harm=1.2, safe=1.5)
    at_margin, _ = verdicts(1.2, config=config, edges=edges)
    beyond, _ = verdicts(1.5, config=config, edges=edges)
    assert np.isfinite(at_margin).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)
    assert np.median(beyond) <= 40


def test_one_tick_never_decides_and_an_empty_arm_says_nothing() -> None:
    config = configured()
    begun = latency.begin(config)
    slowest = array([0, 0, 0, 0, 0, 5000])
    fast = array([9500, 0, 0, 0, 0, 0])
    assert latency.log_harm(latency.update(config, begun, Pair(slowest, fast))) < LEVEL
    assert latency.log_safe(latency.update(config, begun, Pair(fast, slowest))) < LEVEL
    for empty in (Pair(0 * slowest, fast), Pair(slowest, 0 * fast)):
        after = latency.update(config, begun, empty)
        assert latency.log_harm(after) == latency.log_harm(begun)


def test_noise_of_the_pods_is_learnt_and_slow_noise_is_merged() -> None:
    rng, ticks = np.random.default_rng(18), 1080

    def arm(n: int, spread: float, rho: float) -> np.ndarray:
        level = np.zeros(ticks)
        for t in range(1, ticks):
            level[t] = rho * level[t - 1] + np.sqrt(1 - rho**2) * rng.standard_normal()
        return np.stack([rng.multinomial(n, shares(EDGES, factor=f)) for f in np.exp(spread * level)]).astype(float)

    quiet = latency_noise.from_split(configured(), Pair(arm(500, 0.0, 0.0), arm(9500, 0.0, 0.0)))
    noisy = latency_noise.from_split(configured(), Pair(arm(500, 0.1, 0.9), arm(9500, 0.1, 0.9)))
    assert_allclose(quiet.prior.dispersion, 1.0, atol=0.15)
    assert float(quiet.merge) == 1
    assert noisy.prior.dispersion[0] > 2
    assert float(noisy.merge) >= 3
    alone = latency_noise.from_total(configured(), arm(500, 0.0, 0.0))
    assert_allclose(alone.prior.dispersion, 1.0, atol=0.15)
