"""When a difference becomes an alarm."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel
from rollmodel.api.fields.decimals import Risk, Share
from rollmodel.api.schema import Rule

__all__ = ["Dependence", "FalseAlarms", "Hysteresis", "Samples"]


class Samples(ApiModel):
    """What a window needs before it says anything. Below that the verdict is Insufficient, never Stable."""

    min_per_window: Annotated[int, Field(ge=10, le=1_000_000_000)] = 200
    """Rows of a window."""
    min_expected_per_bin: Annotated[int, Field(ge=1, le=1000)] = 10
    """Expected rows of a bin; bins below that are merged with their neighbours."""


class FalseAlarms(ApiModel):
    """How many alarms a healthy model may raise, over all signals and windows together."""

    budget: Risk = "0.05"
    """Chance of a false alarm within `periodDays`."""
    period_days: Annotated[int, Field(ge=1, le=366)] = 30
    """Period of the budget."""
    mode: Literal["Budget", "Anytime"] = "Budget"
    """`Budget` shares the risk among the looks of a period (chi-square and F). `Anytime` judges features and
    predictions by e-values, which hold for any number of rows and a profile of any size, and see less; it needs
    `reference.training`."""


class Dependence(ApiModel):
    """Requests are not independent: bursts and repeated users make counts vary more than chance."""

    dispersion: Literal["Auto", "Ignore"] = "Auto"
    """`Auto` measures the surplus per signal while learning, and corrects for it."""
    quiet_windows: Annotated[int, Field(ge=10, le=1000)] = 30
    """Windows without an alarm to learn from before the policy is armed."""


class Hysteresis(ApiModel):
    """How an alarm is raised and cleared without flapping."""

    rules = (
        Rule(
            "!has(self.raiseAfterLooks) || !has(self.clearAfterLooks) || self.raiseAfterLooks <= self.clearAfterLooks",
            "must have `raiseAfterLooks` less than or equal to `clearAfterLooks`",
        ),
    )

    raise_after_looks: Annotated[int, Field(ge=1, le=100)] = 3
    """Looks in a row that must see a change before it counts."""
    clear_after_looks: Annotated[int, Field(ge=1, le=100)] = 6
    """Looks in a row that must see none before it is over."""
    clear_ratio: Share = "0.5"
    """Share of the alarm's threshold below which a look sees none."""
