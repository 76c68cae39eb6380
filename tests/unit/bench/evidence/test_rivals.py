"""The rivals' rules by small tables of counts, and the published operating points of their simulations."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.evidence.rules import rivals
from tests.bench.evidence.rules.rivals import Verdicts
from tests.bench.evidence.worlds import Counts, World, simulate

GATE = 0.1
INF = np.inf


def minutes(*bad: float, requests: float = 100.0) -> Counts:
    """One run with these bad requests in each minute, spread over its six ticks."""
    k = np.repeat(np.array([bad]) / 6, 6, axis=1)
    n = np.full(k.shape, requests / 6)
    return Counts(n, k, n, np.zeros(k.shape))


def outcome(verdicts: Verdicts) -> tuple[float, float]:
    return float(verdicts.rollback[0]), float(verdicts.promote[0])


@pytest.mark.parametrize(
    ("bad", "limit", "expected"),
    [
        ((0, 10, 0, 0), 0, (INF, 240.0)),
        ((0, 11, 0, 0), 0, (120.0, INF)),
        ((11, 0, 11, 0), 1, (180.0, INF)),
        ((11, 0, 11, 0), 2, (INF, 240.0)),
    ],
)
def test_argo_counts_failures_and_never_forgets_them(bad: tuple[float, ...], limit: int, expected: object) -> None:
    assert outcome(rivals.argo(minutes(*bad), GATE, limit)) == expected


def test_argo_fails_a_check_without_traffic() -> None:
    assert outcome(rivals.argo(minutes(0, 0, requests=0), GATE)) == (60.0, INF)


@pytest.mark.parametrize(
    ("bad", "threshold", "expected"),
    [
        ((0,) * 12, 1, (INF, 600.0)),
        ((11, *(0,) * 11), 1, (60.0, INF)),
        ((11, *(0,) * 11), 2, (INF, 660.0)),
        ((11, 0, 11, *(0,) * 9), 2, (180.0, INF)),
        ((0,) * 9, 1, (INF, INF)),
    ],
)
def test_flagger_halts_on_a_failed_check(bad: tuple[float, ...], threshold: int, expected: object) -> None:
    assert outcome(rivals.flagger(minutes(*bad), GATE, threshold)) == expected


def test_kayenta_looks_once_or_every_ten_minutes() -> None:
    rng = np.random.default_rng(1)
    worse = simulate(World(50, 50, 0.05, 4.0), 1, rng)
    assert outcome(rivals.kayenta_once(worse)) == (3600.0, INF)
    assert outcome(rivals.kayenta_growing(worse)) == (600.0, INF)


def test_the_naive_test_stops_at_the_first_significant_look() -> None:
    n = np.full((1, 60), 1000.0)
    counts = Counts(n, np.full((1, 60), 9.0), n, np.full((1, 60), 5.0))
    assert outcome(rivals.peeking(counts)) == (60.0, INF)


def test_operating_points_of_static_gates() -> None:
    """Healthy, 300 requests a check, 0.5 % bad, gate 1 %: a check fails with P(Binomial(300, 0.005) > 3) = 0.065."""
    n = np.full((4000, 60), 50.0)
    k = np.random.default_rng(2).binomial(50, 0.005, n.shape).astype(float)
    counts = Counts(n, k, n, k)
    assert np.isfinite(rivals.argo(counts, 0.01).rollback).mean() == pytest.approx(1 - 0.935**10, abs=0.03)
    assert np.isfinite(rivals.flagger(counts, 0.01, 1).rollback).mean() == pytest.approx(1 - 0.935**10, abs=0.03)
    assert np.isfinite(rivals.flagger(counts, 0.01, 5).rollback).mean() < 0.001
