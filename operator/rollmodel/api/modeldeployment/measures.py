"""What a metric is measured by: counters, a mean, one number, or both versions' answers to the same request."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from rollmodel.api.base import ApiModel
from rollmodel.api.fields.decimals import PositiveDecimal, Risk, SignedDecimal, ordered, well_written
from rollmodel.api.schema import Rule, at_least_one_of, exactly_one_of

__all__ = ["Better", "CountsQuery", "FeatureValue", "MeanQuery", "PairedAnswers", "ValueQuery"]

_PromQL = Annotated[str, Field(min_length=1, max_length=4096)]
_Delay = Annotated[int, Field(ge=0, le=2_592_000)]


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
