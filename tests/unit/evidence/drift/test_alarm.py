"""Looks in a row, the budget, shares that rise, and performance without labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rollmodel.evidence.drift.alarm import QUIET, Hysteresis, Track, thresholds
from rollmodel.evidence.drift.compare import CAREFUL_EXPECTED, compare
from rollmodel.evidence.drift.performance import Calibration, estimate
from rollmodel.evidence.drift.quality import log10_p_of_rise, share_before
from scipy import stats

RULE = Hysteresis(raise_after=2, clear_after=3)
#: What a look saw: a change, doubt, nothing.
LOOKS = {"c": (True, False), "d": (False, False), ".": (False, True)}


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ("....", "...."),
        ("c.c.", "S.S."),
        ("cc", "SD"),
        ("cc..c...", "SDDDDDD."),
        ("cc..d...", "SDDDDDD."),
        ("cd", "S."),
        ("ccccc", "SDDDD"),
    ],
)
def test_an_alarm_is_raised_and_cleared_by_looks_in_a_row(seen: str, said: str) -> None:
    track, found = QUIET, ""
    for look in seen:
        changed, clear = LOOKS[look]
        track = track.look(changed=changed, clear=clear, rule=RULE)
        found += {"Stable": ".", "Suspected": "S", "Drifted": "D"}[track.verdict]
    assert found == said


def test_one_look_may_be_enough() -> None:
    assert QUIET.look(changed=True, clear=False, rule=Hysteresis(1, 1)) == Track("Drifted", 0)


def test_the_budget_is_divided_by_weight_look_and_window() -> None:
    found = thresholds(np.array([3.0, 1.0, 0.0]), budget=0.05, looks=720, windows=3)
    assert found.sum() * 720 * 3 == pytest.approx(0.05)
    assert found[0] == pytest.approx(3 * found[1])
    assert found[2] == 0.0


def test_a_quiet_month_of_looks_stays_within_the_budget() -> None:
    """8 months of hourly looks at ten signals and two windows: 0.4 false alarms are allowed on average."""
    rng, months, hours, signals = np.random.default_rng(7), 8, 720, 10
    share = np.array([0.01, 0.09, *[0.1] * 8, 0.09, 0.01])
    alpha = thresholds(np.ones(signals), budget=0.05, looks=hours, windows=2)[0]
    alarms = 0
    for _ in range(months):
        reference = rng.multinomial(10_000, share, size=signals).astype(float)
        live = rng.multinomial(500, share, size=(hours, signals)).astype(float)
        day = np.cumsum(live, axis=0)
        day[24:] -= day[:-24].copy()
        seen = [compare(reference, one, least=CAREFUL_EXPECTED).log10_p < math.log10(alpha) for one in (live, day)]
        alarms += bool(np.any(seen))
    assert alarms <= 2  # P(more | 5 %) is 0.6 %


def test_a_share_that_rises_is_bounded_as_chernoff_says() -> None:
    rows, before = 200.0, 0.02
    for count in (5.0, 10.0, 30.0, 200.0):
        exact = stats.binom.logsf(count - 1, int(rows), before) / math.log(10)
        assert log10_p_of_rise(count, rows, before) >= exact - 1e-9
    assert log10_p_of_rise(4.0, rows, before) == 0.0
    assert log10_p_of_rise(100.0, rows, share_before(0, 10_000)) < -100
    assert log10_p_of_rise(100.0, rows, before, 5.0) == pytest.approx(log10_p_of_rise(100.0, rows, before) / 5)


def _calibrated(rows: int) -> Calibration:
    middle = (np.arange(20) + 0.5) / 20
    return Calibration(np.full(20, rows / 20), np.round(rows / 20 * middle), (middle > 0.5).astype(float))


@pytest.mark.parametrize(("metric", "before"), [("accuracy", 0.75), ("auc", 0.8325)])
def test_performance_is_estimated_from_the_scores(metric: str, before: float) -> None:
    """Scores are uniform and calibrated; then they move to the middle, where nothing is sure."""
    calibration = _calibrated(20_000)
    unsure = np.where(np.abs(np.arange(20) - 9.5) < 5, 160.0, 40.0)
    found = estimate(metric, calibration, unsure)
    assert found.before == pytest.approx(before, abs=0.002)
    assert found.drop > 0.05
    assert found.log10_p < -6
    same = estimate(metric, calibration, np.full(20, 100.0))
    assert same.drop == pytest.approx(0.0, abs=1e-9)
    assert same.log10_p == pytest.approx(math.log10(0.5), abs=1e-3)


def test_the_estimate_is_as_certain_as_it_says() -> None:
    rng, calibration = np.random.default_rng(8), _calibrated(20_000)
    live = rng.multinomial(1000, np.full(20, 0.05), size=400).astype(float)
    levels = np.array([estimate("accuracy", calibration, one).log10_p for one in live])
    assert (levels < math.log10(0.05)).mean() == pytest.approx(0.05, abs=0.03)
