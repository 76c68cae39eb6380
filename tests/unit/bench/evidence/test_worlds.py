"""The simulated worlds have the laws that the tables name."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.bench.evidence.records import median
from tests.bench.evidence.rules.oracle import oracle_seconds
from tests.bench.evidence.setup import generator
from tests.bench.evidence.worlds import NOISES, Counts, World, simulate, simulate_history

WORLD = World(50, 950, 0.005)


@pytest.mark.parametrize("noise", NOISES)
def test_rates_and_bounds(noise: str) -> None:
    counts = simulate(replace(WORLD, ratio=2.0, noise=noise), 100, np.random.default_rng(3))
    assert ((counts.ka >= 0) & (counts.ka <= counts.na)).all()
    ratio = (counts.ka.sum() / counts.na.sum()) / (counts.kb.sum() / counts.nb.sum())
    assert ratio == pytest.approx(2.0, rel=0.05)
    if noise not in {"storm", "shared"}:
        assert counts.kb.sum() / counts.nb.sum() == pytest.approx(0.005, rel=0.03)


@pytest.mark.parametrize(("noise", "expected"), [("poisson", 1.0), ("burst4", 4.0), ("ar .6", 1 + 47.5 * 0.09)])
def test_variance_of_a_tick(noise: str, expected: float) -> None:
    counts = simulate(replace(WORLD, noise=noise), 200, np.random.default_rng(4))
    assert counts.kb.var() / counts.kb.mean() == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("noise", "rho"), [("poisson", 0.0), ("ar .3", 0.3), ("ar .6", 0.6), ("ar .97", 0.97)])
def test_correlation_from_tick_to_tick(noise: str, rho: float) -> None:
    k = simulate(World(5, 95_000, 0.005, noise=noise), 40, np.random.default_rng(5)).kb
    k = k - k.mean(axis=1, keepdims=True) if rho < 0.9 else k - k.mean()
    assert (k[:, 1:] * k[:, :-1]).mean() / (k * k).mean() == pytest.approx(rho, abs=0.06)


def test_a_fault_begins_at_its_onset() -> None:
    counts = simulate(World(500, 500, 0.01, 5.0, onset=1800.0), 20, np.random.default_rng(6))
    before, after = counts.ka[:, :180].mean(), counts.ka[:, 180:].mean()
    assert after / before == pytest.approx(5.0, rel=0.05)


def test_history_is_healthy_traffic_of_the_same_size() -> None:
    past = simulate_history(replace(WORLD, ratio=5.0), 10, np.random.default_rng(7), ticks=500)
    assert past.na.shape == (10, 500)
    assert past.ka.sum() / past.na.sum() == pytest.approx(0.005, rel=0.1)


def test_blocks_are_sums_and_drop_the_rest() -> None:
    x = np.arange(14.0).reshape(1, 14)
    blocks = Counts(x, x, x, x).blocks(6)
    assert blocks.na.tolist() == [[15.0, 51.0]]


def test_a_cell_does_not_depend_on_the_others() -> None:
    assert generator("B1", WORLD).random() == generator("B1", WORLD).random()
    assert generator("B1", WORLD).random() != generator("B2", WORLD).random()


@pytest.mark.parametrize(
    ("world", "expected"), [(World(5, 95, 0.005, 2.0), 329.1), (World(50, 950, 0.005, 1.5), 116.8), (WORLD, math.inf)]
)
def test_oracle(world: World, expected: float) -> None:
    assert oracle_seconds(world) == pytest.approx(expected, rel=1e-3)


def test_oracle_needs_less_for_a_wider_safe_margin() -> None:
    assert oracle_seconds(WORLD, ratio=2.0) < oracle_seconds(WORLD, ratio=1.5) < math.inf


def test_median_over_all_runs_counts_misses_as_infinite() -> None:
    assert median(np.array([10.0, np.inf, np.inf])) == (None, None)
    assert median(np.array([10.0, 20.0, 30.0, np.inf]))[0] == 20.0
    middle, error = median(np.linspace(0, 1000, 10_001))
    assert middle == pytest.approx(500.0)
    assert error == pytest.approx(5.0, abs=0.2)
