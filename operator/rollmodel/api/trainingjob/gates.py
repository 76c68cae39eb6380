"""What must hold before a version is registered, and what is registered then."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel
from rollmodel.api.fields.decimals import DecimalString, SignedDecimal, ordered
from rollmodel.api.fields.registry import AliasName, RegisteredModelName
from rollmodel.api.schema import SET, PatternMessage, Rule, at_least_one_of, keyed_by

__all__ = ["GateCheck", "Gates", "MetricGate", "Register"]

#: What a result in ``status.gates`` is about.
GateCheck = Literal["Min", "Max", "MaxGap", "NoWorseThanChampion", "Artifact"]


class MetricGate(ApiModel):
    """A bound on a metric that the training logged. A metric that is missing or NaN fails the gate."""

    rules = (
        at_least_one_of("min", "max", "maxGap", "noWorseThanChampionBy"),
        Rule(
            "!has(self.maxGap) || self.over == 'Slices'", "must have `over: Slices` for `maxGap`, a gap between slices"
        ),
        Rule(
            "!has(self.noWorseThanChampionBy) || self.over == 'Run'",
            "must not have `noWorseThanChampionBy` with `over: Slices`",
        ),
        ordered("min", "<=", "max", "must have `min` less than or equal to `max`"),
    )

    name: Annotated[
        str,
        Field(min_length=1, max_length=250, pattern=r"^[A-Za-z0-9_.:/-][A-Za-z0-9_.:/ -]*$"),
        PatternMessage("must be letters, digits, spaces, '_', '-', '.', ':' and '/', as MLflow asks"),
    ]
    """Name of the metric in the run, unique in the list together with `over`."""
    min: SignedDecimal | None = None
    """The value must not be less."""
    max: SignedDecimal | None = None
    """The value must not be greater."""
    over: Literal["Run", "Slices"] = "Run"
    """`Slices` asks it of every metric `<name>/slice/<slice>`, of which there must be one; `Run` of `name` itself."""
    max_gap: DecimalString | None = None
    """The largest difference between two slices must not be greater."""
    no_worse_than_champion_by: DecimalString | None = None
    """The value may be worse than the champion's by at most this much."""
    better: Literal["Higher", "Lower"] = "Higher"
    """Which direction is better, for the comparison with the champion."""


_ArtifactPath = Annotated[
    str,
    Field(min_length=1, max_length=512, pattern=r"^[^/\s][^\s]*$"),
    PatternMessage(
        "must be a path within the run's artifacts, without '..' and not beginning with '/'",
        also="!self.matches('(^|/)[.][.](/|$)')",
    ),
]


class Gates(ApiModel):
    """All must hold before the model is registered. What cannot be evaluated does not hold."""

    metrics: Annotated[list[MetricGate] | None, Field(max_length=50), keyed_by("name", "over")] = None
    """Bounds on metrics, group gaps and slices among them."""
    artifacts: Annotated[list[_ArtifactPath] | None, Field(max_length=50), SET] = None
    """Files that the run must have logged: model card, explanations, bias report."""


class Register(ApiModel):
    """The version that is created when all gates hold."""

    rules = (Rule("self.alias != self.championAlias", "must have an `alias` that differs from `championAlias`"),)

    model: RegisteredModelName
    """Name of the registered model."""
    artifact_path: _ArtifactPath = "model"
    """Where in the run's artifacts the model is."""
    alias: AliasName = "challenger"
    """Alias that is moved to the new version."""
    champion_alias: AliasName = "champion"
    """Alias of the version that gates compare with."""
