"""The rebuilt Kayenta judge, against figures and cases that its authors and users published."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.evidence.rules import kayenta
from tests.bench.evidence.rules.kayenta import Label, MetricConfig

RNG = np.random.default_rng(0)
CRITICAL = MetricConfig(critical=True)


def values(*numbers: float) -> kayenta.Values:
    return np.array(numbers)


def label(experiment: kayenta.Values, control: kayenta.Values, config: MetricConfig | None = None) -> Label:
    return kayenta.classify(control, experiment, config or MetricConfig(), RNG)[0]


def test_interval_of_its_own_suite() -> None:
    low, high, estimate = kayenta.shift_interval(values(10, 20, 30, 40), values(1, 2, 3, 4), confidence=0.95)
    assert (low, high, estimate) == pytest.approx((6.0, 39.0, 22.5), abs=1e-6)


def test_interval_that_a_user_published() -> None:
    """spinnaker/spinnaker#6278: what a debugger showed, all digits of it."""
    low, high, estimate = kayenta.shift_interval(values(*[100] * 7, 1, 1, 1), np.ones(10))
    assert (low, high, estimate) == pytest.approx((6.825022991538781e-5, 99.0, 98.99992904170193), rel=1e-14)


@pytest.mark.parametrize(("hundreds", "expected"), [(7, Label.PASS), (8, Label.HIGH)])
def test_seven_of_ten_points_a_hundred_times_too_high_pass(hundreds: int, expected: Label) -> None:
    """spinnaker/spinnaker#6278."""
    experiment = values(*[100] * hundreds, *[1] * (10 - hundreds))
    assert label(experiment, np.ones(10), MetricConfig(allowed_increase=1.05)) is expected


def test_sparse_errors_pass() -> None:
    """spinnaker/kayenta#426: the reporter expected High."""
    assert label(values(0, 1, 2, 1, 0, 0), np.zeros(6)) is Label.PASS


def test_a_change_of_the_spread_passes() -> None:
    """spinnaker/kayenta#780, case 1: the reporter expected a failure."""
    experiment = values(10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 17.0, 17.1, 17.2, 17.3, 17.4, 17.5, 17.6, 17.7)
    control = values(1, 100, 4, 101, 5, 102, 6, 103, 7, 104, 8, 105, 9, 106, 17)
    assert label(experiment, control) is Label.PASS


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (MetricConfig(), Label.HIGH),
        (MetricConfig(direction="increase"), Label.HIGH),
        (MetricConfig(direction="decrease"), Label.PASS),
        (MetricConfig(allowed_increase=2.5), Label.PASS),
        (MetricConfig(cles=True), Label.HIGH),
        (MetricConfig(cles=True, allowed_increase=1.01), Label.PASS),
    ],
)
def test_direction_and_size_of_the_effect(config: MetricConfig, expected: Label) -> None:
    points = np.arange(20, 40) / 10
    assert label(2 * points, points, config) is expected


def test_low_is_high_mirrored() -> None:
    points = np.arange(20, 40) / 10
    assert label(points, 2 * points) is Label.LOW
    assert label(points, 2 * points, MetricConfig(allowed_decrease=0.4)) is Label.PASS


def test_values_in_another_order_are_the_same() -> None:
    assert label(values(1, 2, 3), values(3, 1, 2)) is Label.PASS


def test_two_constants_differ_once_noise_is_added() -> None:
    assert label(np.full(20, 2.0), np.ones(20)) is Label.HIGH


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (MetricConfig(), (Label.NODATA, False)),
        (CRITICAL, (Label.NODATA, True)),
        (MetricConfig(must_have_data=True), (Label.NODATA_FAIL, False)),
        (MetricConfig(must_have_data=True, critical=True), (Label.NODATA, True)),
    ],
)
def test_missing_points_are_removed(config: MetricConfig, expected: tuple[Label, bool]) -> None:
    assert kayenta.classify(np.ones(5), np.full(5, np.nan), config, RNG) == expected


def test_missing_points_replaced_are_zeros() -> None:
    config = MetricConfig(nan_strategy="replace")
    assert label(np.full(20, np.nan), np.arange(1.0, 21.0), config) is Label.LOW
    assert label(np.array([]), np.ones(5), config) is Label.PASS


def test_outliers_beyond_wide_fences_are_removed() -> None:
    points = np.concatenate([np.linspace(1, 2, 200), [1000.0]])
    assert label(points, np.linspace(1, 2, 201), MetricConfig(remove_outliers=True)) is Label.PASS
    assert 1000.0 not in kayenta.prepared(points, MetricConfig(remove_outliers=True))


@pytest.mark.parametrize(
    ("metrics", "failing", "expected"),
    [(20, 1, (95.0, "Pass")), (10, 1, (90.0, "Marginal")), (10, 3, (70.0, "Fail")), (1, 1, (0.0, "Fail"))],
)
def test_score_of_one_group(metrics: int, failing: int, expected: tuple[float, str]) -> None:
    points = np.arange(20, 40) / 10
    pairs = {str(i): (points, 2 * points if i < failing else points) for i in range(metrics)}
    score = kayenta.judge(pairs, {name: MetricConfig() for name in pairs}, rng=RNG)
    assert (score.value, score.verdict) == expected


def test_a_critical_metric_fails_all() -> None:
    points = np.arange(20, 40) / 10
    pairs = {str(i): (points, 2 * points if i == 0 else points) for i in range(40)}
    configs = {name: CRITICAL if name == "0" else MetricConfig() for name in pairs}
    assert kayenta.judge(pairs, configs, rng=RNG).value == 0.0
    mild = {name: MetricConfig(critical=True, critical_increase=3.0) for name in pairs}
    assert kayenta.judge(pairs, mild, rng=RNG).value == 97.5


def test_half_without_data_fails_all() -> None:
    gone, points = np.full(20, np.nan), np.arange(20, 40) / 10
    pairs = {str(i): (points, gone if i < 2 else points) for i in range(4)}
    assert kayenta.judge(pairs, {name: MetricConfig() for name in pairs}, rng=RNG).value == 0.0


def test_groups_share_what_weights_leave() -> None:
    points = np.arange(20, 40) / 10
    pairs = {"errors": (points, 2 * points), "latency": (points, points), "cpu": (points, points)}
    configs = {name: MetricConfig(groups=(name,)) for name in pairs}
    assert kayenta.judge(pairs, configs, rng=RNG, weights={"errors": 50}).value == 50.0
    assert kayenta.judge(pairs, configs, rng=RNG, weights={"latency": 60}).value == 80.0


def test_all_tied_observations_have_no_interval() -> None:
    with pytest.raises(ValueError, match="tied"):
        kayenta.shift_interval(np.ones(3), np.ones(3))
