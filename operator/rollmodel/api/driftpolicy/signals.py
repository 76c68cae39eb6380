"""What is watched."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from rollmodel.api.base import ApiModel, ObjectName
from rollmodel.api.fields.decimals import PositiveDecimal, Share, ordered
from rollmodel.api.schema import PatternMessage, Rule

__all__ = ["Effect", "Signal", "SignalKind"]


class SignalKind(StrEnum):
    """What a signal watches."""

    FEATURE = "Feature"
    PREDICTION = "Prediction"
    ESTIMATED_PERFORMANCE = "EstimatedPerformance"
    PERFORMANCE = "Performance"
    QUALITY = "Quality"


class Effect(ApiModel):
    """How large a change must be to matter, as population stability index corrected for the sample size."""

    rules = (ordered("psi", "<=", "severePsi", "must have `psi` less than or equal to `severePsi`"),)

    psi: PositiveDecimal = "0.02"
    """Smaller changes raise no alarm, however certain they are. 0.02 is a shift of about 0.15 standard deviations."""
    severe_psi: PositiveDecimal = "0.2"
    """From here on the alarm is severe."""


def _only_with(fields: tuple[str, ...], kinds: tuple[SignalKind, ...]) -> Rule:
    names = ", ".join(f"'{kind}'" for kind in kinds)
    given = " || ".join(f"has(self.{name})" for name in fields)
    what = " and ".join(f"`{name}`" for name in fields)
    return Rule(f"!({given}) || self.kind in [{names}]", f"must have {what} only with `kind` {names}")


_BINNED = (SignalKind.FEATURE, SignalKind.PREDICTION)
_SCORED = (SignalKind.ESTIMATED_PERFORMANCE, SignalKind.PERFORMANCE)


class Signal(ApiModel):
    """One thing, or one family of things, to watch."""

    rules = (
        _only_with(("match",), (*_BINNED, SignalKind.QUALITY)),
        _only_with(("effect",), _BINNED),
        _only_with(("metric", "maxDrop"), _SCORED),
        _only_with(("maxNullRateIncrease", "maxUnseenRate", "minRowsPerHour"), (SignalKind.QUALITY,)),
        Rule(
            "!(self.kind in ['EstimatedPerformance', 'Performance']) || (has(self.metric) && has(self.maxDrop))",
            "must have `metric` and `maxDrop` with `kind` 'EstimatedPerformance' and 'Performance'",
        ),
    )

    name: ObjectName
    """Name of the signal, unique in the list."""
    kind: SignalKind
    """What it watches."""
    match: Annotated[
        str | None,
        Field(min_length=1, max_length=256, pattern=r"^[^\s]+$"),
        PatternMessage("must be the name of a column, with '*' for any characters"),
    ] = None
    """Columns that it watches, with `*` for any characters. Default: all."""
    weight: PositiveDecimal | None = None
    """Share of the false-alarm budget, relative to the other signals. Default: 1. The columns of a signal share it by
    their importance in the profile."""
    effect: Effect | None = None
    """How large a change must be to matter."""
    metric: Annotated[
        str | None,
        Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$"),
        PatternMessage("must be the name of a performance metric in lower case, such as 'accuracy' or 'auc'"),
    ] = None
    """Performance metric."""
    max_drop: Share | None = None
    """How far the metric may fall below its reference."""
    max_null_rate_increase: Share | None = None
    """How far the share of missing values may rise above that of the training. Default: 0.05."""
    max_unseen_rate: Share | None = None
    """How far the share of values that the training hardly saw may rise: categories that the profile does not list, and
    numbers twice as far from its median as all but its outermost rows. Default: 0.02."""
    min_rows_per_hour: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """How many rows an hour there should be at least, also in the quietest hour, in each window whose hours are all
    known. Default: any number is good."""
