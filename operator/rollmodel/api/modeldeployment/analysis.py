"""How a candidate is judged."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from rollmodel.api.base import ApiModel, ObjectName
from rollmodel.api.fields.decimals import AtLeastOne, DecimalString, PositiveDecimal, Risk, Share, well_written
from rollmodel.api.modeldeployment.measures import CountsQuery, MeanQuery, PairedAnswers, ValueQuery
from rollmodel.api.schema import Rule, at_least_one_of, exactly_one_of, keyed_by

__all__ = ["Analysis", "Metric", "MetricPreset", "Tolerance"]


class Tolerance(ApiModel):
    """How much worse than stable still counts as "not worse": canary <= ratio * stable + absolute.

    For a mean where higher is better: canary >= stable / ratio - absolute.
    """

    rules = (at_least_one_of("ratio", "absolute"),)

    ratio: AtLeastOne | None = None
    """Factor on the stable revision's value."""
    absolute: DecimalString | None = None
    """Amount on top of it."""


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
