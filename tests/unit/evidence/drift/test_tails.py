"""Tails against scipy, down to where thresholds are."""

from __future__ import annotations

import numpy as np
import pytest
from rollmodel.evidence.drift.power import visible_psi
from rollmodel.evidence.drift.tails import log_tail_chi_square, log_tail_f, log_tail_normal
from scipy import stats


def test_normal() -> None:
    z = np.array([-3.0, 0.0, 1.0, 4.9, 5.1, 12.0, 19.0, 21.0, 35.0])
    assert log_tail_normal(z) == pytest.approx(stats.norm.logsf(z), rel=1e-6)


@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 10, 23])
def test_chi_square(freedom: int) -> None:
    x = np.array([0.1, 1.0, 5.0, 20.0, 60.0, 200.0, 900.0])
    expected = stats.chi2.logsf(x, freedom)
    assert log_tail_chi_square(x, np.full(x.shape, freedom)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("freedom", [1, 4, 9, 23])
@pytest.mark.parametrize("windows", [10, 30, 300])
def test_f(freedom: int, windows: int) -> None:
    f = np.array([0.05, 0.5, 0.9, 1.0, 1.1, 2.0, 5.0, 30.0])
    expected = stats.f.logsf(f, freedom, windows * freedom)
    assert log_tail_f(f, np.array(freedom), np.array(windows * freedom)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_nothing_is_unlikely_without_two_bins() -> None:
    assert log_tail_chi_square(np.array([9.0, 0.0]), np.array([0, 3])).tolist() == [0.0, 0.0]
    assert log_tail_f(np.array([9.0, 0.0]), np.array([0, 3]), np.array([90, 90])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("alpha", "noncentrality"), [(0.05, 15.6), (0.05 / 30, 27.2), (0.05 / 30 / 720, 46.0), (0.05 / 300 / 720 / 3, 55.0)]
)
def test_the_smallest_visible_change(alpha: float, noncentrality: float) -> None:
    """Ten bins, 500 rows against 10 000: the numbers are from an exact computation."""
    assert visible_psi(500, 10_000, 9, alpha) == pytest.approx(noncentrality * (1 / 500 + 1 / 10_000), rel=0.05)
