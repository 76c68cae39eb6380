"""Kayenta's default judge (NetflixACAJudge with the Mann-Whitney classifier), rebuilt from its rules.

Source of the rules: spinnaker/kayenta at a69573b (2025-04): NetflixACAJudge, MannWhitneyClassifier, MannWhitney,
WeightedSumScorer, IQRDetector, ThresholdScoreClassifier. The interval is that of R's ``wilcox.test`` (normal
approximation, ties, continuity correction), found by Brent's method to 1e-4 as there: it gives the figures that users
published (spinnaker#6278) to 14 digits. 98 % and the tolerance of 0.25 are hard-coded there and here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm, rankdata

__all__ = ["Label", "MetricConfig", "Score", "classify", "judge", "prepared", "score", "shift_interval"]

CONFIDENCE, TOLERANCE = 0.98, 0.25
_ROOT_TOLERANCE = 1e-4
_NODATA_PERCENT = 50

Values = NDArray[np.float64]


class Label(StrEnum):
    """How a metric came out."""

    PASS = "Pass"
    HIGH = "High"
    LOW = "Low"
    NODATA = "Nodata"
    NODATA_FAIL = "NodataFailMetric"


@dataclass(frozen=True, slots=True)
class MetricConfig:
    """The ``canary`` analysis configuration of one metric, with Kayenta's defaults."""

    direction: Literal["increase", "decrease", "either"] = "either"
    nan_strategy: Literal["remove", "replace"] = "remove"
    remove_outliers: bool = False
    outlier_factor: float = 3.0
    critical: bool = False
    must_have_data: bool = False
    cles: bool = False
    """Measure the effect by the common language effect size instead of the ratio of means."""
    allowed_increase: float | None = None
    allowed_decrease: float | None = None
    critical_increase: float | None = None
    critical_decrease: float | None = None
    groups: Sequence[str] = ("all",)

    def limit(self, value: float | None) -> float:
        """A threshold of the effect size, or its default."""
        return (0.5 if self.cles else 1.0) if value is None else value


@dataclass(frozen=True, slots=True)
class Score:
    """Summary score 0 to 100 and what it means."""

    value: float
    verdict: Literal["Pass", "Marginal", "Fail"]
    labels: Mapping[str, Label] = field(default_factory=dict)


def shift_interval(x: Values, y: Values, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """Interval and Hodges-Lehmann estimate (low, high, estimate) of the shift x - y.

    Raises ValueError when all observations are tied.
    """
    statistic = _RankSum(x, y)
    low, high = float(x.min() - y.max()), float(x.max() - y.min())
    quantile = float(norm.ppf((1 - confidence) / 2))

    def root(target: float) -> float:
        if statistic(low) - target <= 0:
            return low
        if statistic(high) - target >= 0:
            return high
        eps = 4 * np.finfo(float).eps
        return float(brentq(lambda shift: statistic(shift) - target, low, high, xtol=_ROOT_TOLERANCE, rtol=eps))

    return root(-quantile), root(quantile), root(0.0)


class _RankSum:
    """The rank-sum statistic of (x - shift, y): centred, corrected for continuity, over its deviation with ties."""

    def __init__(self, x: Values, y: Values) -> None:
        self._x, self._y = np.sort(x), np.sort(y)
        self._ties = _ties(x) + _ties(y)

    def __call__(self, shift: float) -> float:
        moved, m, n = self._x - shift, len(self._x), len(self._y)
        below = float(np.searchsorted(self._y, moved, "left").sum())
        not_above = float(np.searchsorted(self._y, moved, "right").sum())
        ties = self._ties if below == not_above else _ties(np.concatenate([moved, self._y]))
        centred = (below + not_above) / 2 - m * n / 2
        variance = m * n / 12 * ((m + n + 1) - ties / ((m + n) * (m + n - 1)))
        if variance <= 0:
            raise ValueError("no interval when all observations are tied")
        return float((centred - 0.5 * np.sign(centred)) / np.sqrt(variance))


def _ties(values: Values) -> float:
    """Sum of t^3 - t over groups of t equal values."""
    counts = np.unique(values, return_counts=True)[1].astype(float)
    return float(np.sum(counts**3 - counts))


def classify(control: Values, experiment: Values, config: MetricConfig, rng: np.random.Generator) -> tuple[Label, bool]:
    """Label of one metric, and whether it is a critical failure."""
    control, experiment = prepared(control, config), prepared(experiment, config)
    if not len(control) or not len(experiment):
        return _no_data(config)
    same = len(control) == len(experiment) and bool(np.all(np.sort(control) == np.sort(experiment)))
    if same or len(np.unique(np.concatenate([control, experiment]))) == 1:
        return Label.PASS, False
    if len(np.unique(control)) == 1 and len(np.unique(experiment)) == 1:
        control, experiment = (v + rng.normal(0.0, abs(v[0]) * 1e-5, len(v)) for v in (control, experiment))
    return _compare(control, experiment, config)


def prepared(values: Values, config: MetricConfig) -> Values:
    """The points without what is missing, and without outliers if that is asked for."""
    missing = np.isnan(values)
    values = values[~missing] if config.nan_strategy == "remove" else np.where(missing, 0.0, values)
    if not config.remove_outliers or not len(values):
        return values
    p1, p25, p75, p99 = np.percentile(values, [1, 25, 75, 99])
    reach = config.outlier_factor * (p75 - p25)
    return np.asarray(values[(values >= min(p1, p25 - reach)) & (values <= max(p99, p75 + reach))])


def _no_data(config: MetricConfig) -> tuple[Label, bool]:
    if config.nan_strategy == "replace":
        return Label.PASS, False
    if config.must_have_data and not config.critical:
        return Label.NODATA_FAIL, False
    return Label.NODATA, config.critical


def _effect(control: Values, experiment: Values, config: MetricConfig) -> float:
    """Size of the effect; NaN means that it cannot be told and is not asked for."""
    if config.cles:
        m, n = len(experiment), len(control)
        ranks = rankdata(np.concatenate([experiment, control]))[:m].sum()
        return float((2 * ranks - m * (m + 1)) / (2 * m * n))
    a, b = experiment.mean(), control.mean()
    return float(a / b) if a and b else float("nan")


def _compare(control: Values, experiment: Values, config: MetricConfig) -> tuple[Label, bool]:
    low, high, estimate = shift_interval(experiment, control)
    band, effect = TOLERANCE * abs(estimate), _effect(control, experiment, config)
    unknown = np.isnan(effect)
    if config.direction != "decrease" and low > band and (unknown or effect >= config.limit(config.allowed_increase)):
        return Label.HIGH, config.critical and (unknown or effect >= config.limit(config.critical_increase))
    if config.direction != "increase" and high < -band and (unknown or effect <= config.limit(config.allowed_decrease)):
        return Label.LOW, config.critical and (unknown or effect <= config.limit(config.critical_decrease))
    return Label.PASS, False


def score(
    labels: Mapping[str, tuple[Label, bool]],
    configs: Mapping[str, MetricConfig],
    weights: Mapping[str, float],
) -> float:
    """Weighted sum of the group scores; 0 on a critical failure or when half of the metrics have no data."""
    if any(critical and label is not Label.PASS for label, critical in labels.values()):
        return 0.0
    if 100 * sum(label is Label.NODATA for label, _ in labels.values()) / len(labels) >= _NODATA_PERCENT:
        return 0.0
    groups: dict[str, list[Label]] = {}
    for name, (label, _) in labels.items():
        for group in configs[name].groups:
            groups.setdefault(group, []).append(label)
    unweighted = [g for g in groups if g not in weights]
    rest = (100 - sum(weights.values())) / len(unweighted) if unweighted else 0.0
    return round(sum(_group_score(members) * weights.get(g, rest) / 100 for g, members in groups.items()), 2)


def _group_score(labels: Sequence[Label]) -> float:
    counted = [label for label in labels if label is not Label.NODATA]
    return 100.0 * sum(label is Label.PASS for label in counted) / len(counted) if counted else 100.0


def judge(
    metrics: Mapping[str, tuple[Values, Values]],
    configs: Mapping[str, MetricConfig],
    *,
    rng: np.random.Generator,
    weights: Mapping[str, float] | None = None,
    pass_score: float = 95.0,
    marginal_score: float = 75.0,
) -> Score:
    """One judgement. ``metrics`` maps a name to (control, experiment) points."""
    labels = {name: classify(control, canary, configs[name], rng) for name, (control, canary) in metrics.items()}
    value = score(labels, configs, weights or {})
    verdict: Literal["Pass", "Marginal", "Fail"]
    verdict = "Pass" if value >= pass_score else "Marginal" if value >= marginal_score else "Fail"
    return Score(value, verdict, {name: label for name, (label, _) in labels.items()})
