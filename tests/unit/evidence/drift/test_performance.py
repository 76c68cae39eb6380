"""The estimated performance, where a file of counts says what cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rollmodel.evidence.drift.performance import METRICS, Calibration, estimate


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_more_positives_than_rows_are_all_of_them(metric: str) -> None:
    rows, answers = np.array([10.0, 20.0, 30.0]), np.array([0.0, 0.0, 1.0])
    found = estimate(metric, Calibration(rows, 1000.0 * rows, answers), np.array([3.0, 2.0, 1.0]))
    assert 0.0 <= found.now <= 1.0
    assert math.isfinite(found.log10_p)
