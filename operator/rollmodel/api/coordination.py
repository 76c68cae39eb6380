"""Rules about when rollouts may begin, and how many at once: the text of a ConfigMap, of the cluster or of a namespace.

Unlike in our custom resources an unknown field is an error here: a rule with a typing error would be no rule.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from rollmodel.api.base import GROUP, ApiModel
from rollmodel.api.fields.time_zones import find_zone, has_time_zones

__all__ = [
    "CONFIG_MAP",
    "DAYS",
    "GROUP_LABEL",
    "KEY",
    "Freeze",
    "Groups",
    "Limit",
    "Rules",
    "Scope",
    "Window",
    "minutes",
]

#: The name of the ConfigMap, and its one key.
CONFIG_MAP, KEY = "rollmodel-coordination", "rules.yaml"
#: The label by which objects belong to a group, if the rules name no other.
GROUP_LABEL = f"{GROUP}/group"

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DAYS: tuple[Day, ...] = get_args(Day)

_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_TimeOfDay = Annotated[str, Field(pattern=rf"^{_TIME}$")]
#: ``24:00`` is the end of a day.
_End = Annotated[str, Field(pattern=rf"^({_TIME}|24:00)$")]
_Label = Annotated[str, Field(min_length=1, max_length=317)]
_Value = Annotated[str, Field(max_length=63)]
_Pattern = Annotated[str, Field(min_length=1, max_length=253)]
_Text = Annotated[str, Field(min_length=1, max_length=500)]


def minutes(time: str) -> int:
    """Minutes from midnight to a time of day."""
    hours, _, rest = time.partition(":")
    return int(hours) * 60 + int(rest)


def _known_zone(name: str) -> str:
    if find_zone(name) is None:
        known = "'Etc/UTC' or 'Europe/Berlin' are" if has_time_zones() else "this operator knows 'Etc/UTC' only"
        raise ValueError(f"{name!r} is no known time zone; {known}")
    return name


class _Strict(ApiModel):
    model_config = ConfigDict(extra="forbid")


class Scope(_Strict):
    """Which ModelDeployments a rule is about; without either: all."""

    namespaces: Annotated[list[_Pattern] | None, Field(min_length=1, max_length=100)] = None
    """Patterns of namespaces, e.g. ``prod-*``. Only in the cluster's rules."""
    match_labels: Annotated[dict[_Label, _Value] | None, Field(max_length=20)] = None
    """Labels that they have."""


class Freeze(Scope):
    """Nothing begins."""

    reason: _Text
    """Why, for those who wait."""
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    """From when on. Default: at once."""
    until: AwareDatetime | None = None
    """Until when. Default: until this freeze is taken out."""

    @model_validator(mode="after")
    def _in_order(self) -> Freeze:
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise ValueError("`until` must be later than `from`")
        return self


class Window(Scope):
    """A time in each week at which rollouts may begin. What runs at its end goes on."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7)] = Field(default=[*DAYS])
    """Days on which it opens."""
    from_: Annotated[_TimeOfDay, Field(alias="from")] = "00:00"
    """When it opens, by the clock on the wall there."""
    to: _End = "24:00"
    """When it closes; before ``from``: on the next day."""
    time_zone: Annotated[str, AfterValidator(_known_zone), Field(max_length=64)] = "Etc/UTC"
    """A name of the IANA database, e.g. ``Europe/Berlin``."""

    @model_validator(mode="after")
    def _not_empty(self) -> Window:
        if minutes(self.from_) % 1440 == minutes(self.to) % 1440 and (self.from_, self.to) != ("00:00", "24:00"):
            raise ValueError("`from` and `to` must differ; a whole day is from '00:00' to '24:00'")
        return self


class Limit(Scope):
    """How many rollouts run at once."""

    max_rollouts: Annotated[int, Field(ge=1, le=10000)]
    """So many. For none there are freezes."""
    per: Literal["Namespace", "Label"] | None = None
    """``Namespace``: in each namespace. ``Label``: for each value of a label. Default: of all that it is about."""
    label: _Label | None = None
    """The label, for ``per: Label``. Those without it are not limited by this rule."""

    @model_validator(mode="after")
    def _label_with_per(self) -> Limit:
        if (self.per == "Label") != (self.label is not None):
            raise ValueError("`label` goes with `per: Label`")
        return self


class Groups(Scope):
    """Models that depend on each other: one rollout at a time in each group, and an order between groups."""

    label: _Label = GROUP_LABEL
    """The label whose value is the group."""
    order: Annotated[list[_Value], Field(max_length=50)] = Field(default_factory=list)
    """Groups, first the ones that others depend on. A rollout waits while an earlier group has one, or has one to
    begin. Groups that are not listed have no order."""
    after_rollback: Literal["Wait", "GoOn"] = "Wait"
    """What later groups do after a rollback in an earlier one: ``Wait`` until that has another version."""
    settle_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long a rollout in a later group waits at least, so that an earlier one, whose version came at the same time,
    is seen."""

    @model_validator(mode="after")
    def _once(self) -> Groups:
        if len({*self.order}) < len(self.order):
            raise ValueError("`order` must name each group once")
        return self


class Rules(_Strict):
    """All rules of the cluster, or of a namespace. A rollout begins when both let it."""

    freezes: Annotated[list[Freeze], Field(max_length=50)] = Field(default_factory=list)
    """Times at which nothing begins."""
    windows: Annotated[list[Window], Field(max_length=50)] = Field(default_factory=list)
    """Where some are about an object, its rollouts begin in one of these only."""
    limits: Annotated[list[Limit], Field(max_length=50)] = Field(default_factory=list)
    """How many at once."""
    groups: Annotated[list[Groups], Field(max_length=10)] = Field(default_factory=list)
    """What depends on what."""
    exempt: Annotated[list[_Pattern], Field(max_length=100)] = Field(default_factory=list)
    """Patterns of ``namespace/name`` that these rules do not hold up. Their rollouts still count."""
