"""How a candidate is judged."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from rollmodel.api.base import ApiModel, ObjectName
from rollmodel.api.fields.decimals import (
    AtLeastOne,
    DecimalString,
    PositiveDecimal,
    Risk,
    Share,
    SignedDecimal,
    ordered,
    well_written,
)
from rollmodel.api.schema import Rule, at_least_one_of, exactly_one_of, keyed_by

__all__ = [
    "Analysis",
    "Better",
    "CountsQuery",
    "FeatureValue",
    "MeanQuery",
    "Metric",
    "MetricPreset",
    "PairedAnswers",
    "Tolerance",
    "ValueQuery",
]

_PromQL = Annotated[str, Field(min_length=1, max_length=4096)]
_Delay = Annotated[int, Field(ge=0, le=2_592_000)]


class Tolerance(ApiModel):
    """How much worse than stable still counts as "not worse": canary <= ratio * stable + absolute.

    For a mean where higher is better: canary >= stable / ratio - absolute.
    """

    rules = (at_least_one_of("ratio", "absolute"),)

    ratio: AtLeastOne | None = None
    """Factor on the stable revision's value."""
    absolute: DecimalString | None = None
    """Amount on top of it."""


class CountsQuery(ApiModel):
    """Two PromQL expressions that give monotonic counters per pod."""

    bad: _PromQL
    """Counter of the bad ones among `total`."""
    total: _PromQL
    """Counter of all."""
    delay_seconds: _Delay = 0
    """For labels that come late: within which time after the prediction they count. Windows say nothing before the
    split of traffic has been the same for this long, and no step is shorter."""


class Better(StrEnum):
    """Which direction of a mean is good."""

    LOWER = "Lower"
    HIGHER = "Higher"


class MeanQuery(ApiModel):
    """The mean of a value that is never negative (cost, score, absolute error), by two monotonic counters per pod.

    A Prometheus histogram or summary has both, as `_sum` and `_count`.
    """

    sum: _PromQL
    """Counter of the values added up."""
    count: _PromQL
    """Counter of the values."""
    better: Better
    """Which direction is good."""
    delay_seconds: _Delay = 0
    """As in `counts`."""


class ValueQuery(ApiModel):
    """A plain threshold on one number, as other tools have it: pass, fail or inconclusive."""

    rules = (
        at_least_one_of("min", "max"),
        ordered("min", "<=", "max", "must have `min` less than or equal to `max`"),
    )

    query: _PromQL
    """PromQL expression that gives one number."""
    max: SignedDecimal | None = None
    """The value must not be greater."""
    min: SignedDecimal | None = None
    """The value must not be less."""
    failure_limit: Annotated[int, Field(ge=0, le=1000)] = 2
    """How many failed evaluations are tolerated before the candidate is rolled back."""


_Feature = Annotated[str, Field(min_length=1, max_length=253)]


class FeatureValue(ApiModel):
    """Rows by one value of a feature."""

    feature: _Feature
    """Name of the feature."""
    value: Annotated[str, Field(min_length=1, max_length=64)]
    """Its value as text: `gold`, `1`, `1.0` for a number with a fraction, `True`."""


_LARGEST = "(has(self.largestDifference) ? self.largestDifference : '1')"


class PairedAnswers(ApiModel):
    """Both versions' answers to the same request, while a shadow copies requests: how many may differ, or by how much.

    Without `differsBy` and `threshold` any difference counts.
    """

    rules = (
        exactly_one_of("maxDisagreement", "maxMeanDifference"),
        Rule(
            "!has(self.maxMeanDifference) || !(has(self.differsBy) || has(self.threshold) || has(self.sliceBy))",
            "must have `differsBy`, `threshold` and `sliceBy` only with `maxDisagreement`",
        ),
        Rule(
            "!has(self.largestDifference) || has(self.maxMeanDifference)",
            "must have `largestDifference` only with `maxMeanDifference`",
        ),
        Rule(
            f"!has(self.maxMeanDifference) || !{well_written('self.maxMeanDifference')}"
            f" || !{well_written(_LARGEST)} || double(self.maxMeanDifference) * 2.0 <= double({_LARGEST})",
            "must have a `maxMeanDifference` of at most half of `largestDifference` (default '1')",
        ),
        Rule(
            "!(has(self.differsBy) && has(self.threshold))",
            "must have at most one of `differsBy` and `threshold`",
        ),
    )

    max_disagreement: Risk | None = None
    """Share of the requests whose answers may differ. Of a request of several rows the part of its rows counts."""
    max_mean_difference: PositiveDecimal | None = None
    """By how much the candidate's numbers may be higher or lower on average than those of the stable revision. Of a
    request of several rows their mean counts."""
    largest_difference: PositiveDecimal | None = None
    """Differences of one row beyond this count as this, and so does an answer that is no number. Default: `1`, the
    largest of two probabilities. The smaller, the sooner there is a proof."""
    differs_by: PositiveDecimal | None = None
    """Numbers differ if they are further apart than this."""
    threshold: SignedDecimal | None = None
    """Numbers differ if one lies above this and the other does not: the class of a score."""
    only: FeatureValue | None = None
    """Only rows with this value of a feature count: a limit for one slice."""
    slice_by: _Feature | None = None
    """A feature by whose values the pods also count rows, for you to look at: its values are seen in Prometheus, the
    first 20 of each pod."""


class MetricPreset(StrEnum):
    """Metrics whose queries the runtime preset knows."""

    ERRORS = "Errors"
    CLIENT_ERRORS = "ClientErrors"
    SLOW_REQUESTS = "SlowRequests"
    LATENCY = "Latency"


_MARGINS = ("tolerance", "safeTolerance")


def _at_least_as_wide(part: str, *, missing: str) -> Rule:
    """``safeTolerance`` is not narrower in this part, which counts as ``missing`` where it is not written."""
    harm, safe = (f"(has(self.{name}.{part}) ? self.{name}.{part} : '{missing}')" for name in _MARGINS)
    given = [f"has(self.{name})" for name in _MARGINS] + [well_written(harm), well_written(safe)]
    return Rule(
        f"!({' && '.join(given)}) || double({harm}) <= double({safe})",
        f"must have a `safeTolerance` that is at least as wide as `tolerance`: its `{part}` (if not written,"
        f" '{missing}') must not be less",
    )


class Metric(ApiModel):
    """One thing to judge a candidate by: exactly one of ``preset``, ``counts``, ``mean``, ``value``, ``paired``."""

    rules = (
        exactly_one_of("preset", "counts", "mean", "value", "paired"),
        Rule(
            "(has(self.preset) && self.preset == 'SlowRequests') == has(self.slowerThanSeconds)",
            "must have `slowerThanSeconds` with `preset` 'SlowRequests', and only there",
        ),
        Rule(
            "!(has(self.value) || has(self.paired))"
            " || !(has(self.tolerance) || has(self.safeTolerance) || has(self.ceiling))",
            "must have `tolerance`, `safeTolerance` and `ceiling` only with `preset`, `counts` or `mean`:"
            " a `value` has `min` and `max`, `paired` has `maxDisagreement`",
        ),
        Rule(
            "!has(self.ceiling) || !(has(self.mean) || (has(self.preset) && self.preset == 'Latency'))",
            "must have `ceiling` only for counts of bad requests: any `preset` but 'Latency', or `counts`",
        ),
        Rule(
            "!has(self.safeTolerance) || has(self.tolerance)",
            "must have `tolerance` beside `safeTolerance`, which must be at least as wide",
        ),
        _at_least_as_wide("ratio", missing="1"),
        _at_least_as_wide("absolute", missing="0"),
    )

    name: ObjectName
    """Name of the metric, unique in the list."""
    preset: MetricPreset | None = None
    """A metric that the runtime preset knows how to read."""
    counts: CountsQuery | None = None
    """A share of bad ones, by two counters of your own."""
    mean: MeanQuery | None = None
    """A mean per request, by two counters of your own."""
    value: ValueQuery | None = None
    """A number with limits."""
    paired: PairedAnswers | None = None
    """How often both versions answer the same request differently. Only for `strategy: Shadow` and the preset
    `MLflow`."""
    tolerance: Tolerance | None = None
    """The margin beyond which a candidate counts as harmful. Default: `ratio` 1.1."""
    safe_tolerance: Tolerance | None = None
    """The margin below which a candidate counts as proven safe. Default: `ratio` 1.5, for `Latency` and `mean`
    1.25."""
    ceiling: Share | None = None
    """Absolute limit of the bad fraction, whatever stable does."""
    slower_than_seconds: PositiveDecimal | None = None
    """For `SlowRequests`: a request is bad when it took longer. Should be a bucket edge."""


class Analysis(ApiModel):
    """How a candidate is judged. See docs/concepts/evidence.md."""

    false_rollback_risk: Risk = "0.01"
    """Chance that a healthy version is rolled back, over the whole rollout and all metrics."""
    false_promotion_risk: Risk = "0.05"
    """Chance that a version worse than the safe margin is called proven safe."""
    interval_seconds: Annotated[int, Field(ge=1, le=3600)] = 10
    """Time between two looks at the metrics."""
    metrics: Annotated[list[Metric], Field(max_length=20), keyed_by("name")] = Field(
        default=[
            Metric(name="errors", preset=MetricPreset.ERRORS),
            Metric(name="latency", preset=MetricPreset.LATENCY),
        ]
    )
    """What the candidate is judged by. An empty list: steps go on by time alone."""
