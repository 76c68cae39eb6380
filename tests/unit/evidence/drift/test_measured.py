"""Performance with labels: what it is, and how seldom a drop is seen that is none."""

from __future__ import annotations

import numpy as np
import pytest
from rollmodel.evidence.drift.performance import Calibration, measured

RATE = np.array([0.05, 0.2, 0.4, 0.6, 0.8, 0.95])
YES = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
RNG = np.random.default_rng(5)


def counts(rows: int, rate: np.ndarray = RATE) -> tuple[np.ndarray, np.ndarray]:
    """Rows of each bin that turned out positive, and negative."""
    total = RNG.multinomial(rows, np.full(len(rate), 1.0 / len(rate)))
    positives = RNG.binomial(total, rate)
    return positives.astype(float), (total - positives).astype(float)


def calibration(rows: int = 20_000) -> Calibration:
    positives, negatives = counts(rows)
    return Calibration(positives + negatives, positives, YES)


def test_it_is_the_metric_of_the_labels() -> None:
    positives, negatives = np.array([0.0, 0, 0, 1, 2, 3]), np.array([3.0, 2, 1, 0, 0, 0])
    found = measured("accuracy", calibration(), positives, negatives, 1.0)
    assert found.now == pytest.approx(1.0)
    assert found.before == pytest.approx(np.mean([0.95, 0.8, 0.6, 0.6, 0.8, 0.95]), abs=0.01)
    assert measured("auc", calibration(), positives, negatives, 1.0).now == pytest.approx(1.0)
    assert measured("auc", calibration(), negatives[::-1], positives[::-1], 1.0).now == pytest.approx(1.0)
    assert measured("accuracy", calibration(), negatives, positives, 1.0).now == pytest.approx(0.0)
    nothing = measured("auc", calibration(), np.zeros(6), np.zeros(6), 1.0)
    assert (nothing.drop, nothing.log10_p) == (0.0, 0.0)


@pytest.mark.parametrize("metric", ["accuracy", "auc"])
def test_a_drop_that_is_none_is_seldom_seen_and_a_real_one_is(metric: str) -> None:
    reference = calibration()
    quiet = [measured(metric, reference, *counts(300), 1.0).log10_p for _ in range(600)]
    assert np.mean(np.array(quiet) < -2.0) <= 0.02
    worse = 0.5 + (RATE - 0.5) * 0.3
    assert measured(metric, reference, *counts(2000, worse), 1.0).log10_p < -6.0
    assert measured(metric, reference, *counts(2000, worse), 1.0).drop > 0.05
