"""When and how often a run is tried."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, SubdomainName
from rollmodel.api.fields.decimals import PositiveDecimal
from rollmodel.api.fields.uris import Uri, scheme_rule
from rollmodel.api.schema import PatternMessage, exactly_one_of
from rollmodel.api.trainingjob.template import MountPath

__all__ = ["Budget", "Checkpoint", "Retry", "Schedule"]


_CRON_FIELD = r"[0-9A-Za-z*,/?-]+"


class Schedule(ApiModel):
    """Runs at fixed times; each is a TrainingJob of its own."""

    cron: Annotated[
        str,
        Field(
            max_length=128,
            pattern=rf"^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)|{_CRON_FIELD}( {_CRON_FIELD}){{4}})$",
        ),
        PatternMessage("must be five fields such as '0 3 * * 1' (minute, hour, day, month, weekday) or '@daily'"),
    ]
    """When: minute, hour, day of month, month, day of week."""
    time_zone: Annotated[
        str,
        Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"),
        PatternMessage("must be the name of a time zone such as 'Etc/UTC' or 'Europe/Berlin'"),
    ] = "Etc/UTC"
    """Time zone of `cron`."""
    concurrency_policy: Literal["Allow", "Forbid", "Replace"] = "Forbid"
    """What happens when the last run is still active: start another, skip this one, or end the last."""
    starting_deadline_seconds: Annotated[int | None, Field(ge=10, le=604800)] = None
    """How late a run may start; later it counts as missed."""
    successful_runs_history_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """Succeeded runs to keep."""
    failed_runs_history_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """Failed runs to keep."""


class Retry(ApiModel):
    """Separate budgets for failures of the code and for disruptions by the cluster."""

    max_failures: Annotated[int, Field(ge=0, le=100)] = 2
    """Failed attempts that are tried again."""
    max_disruptions: Annotated[int, Field(ge=0, le=1000)] = 10
    """Evicted, preempted or deleted attempts that are tried again."""
    backoff_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """Pause before the next attempt; doubles with each failure."""


class Budget(ApiModel):
    """What one run may use at most, over all attempts."""

    gpu_hours: PositiveDecimal
    """GPUs times hours."""


class Checkpoint(ApiModel):
    """Where an attempt leaves its state for the next: exactly one of ``claimName`` and ``uri``."""

    rules = (exactly_one_of("claimName", "uri"),)

    claim_name: SubdomainName | None = None
    """PersistentVolumeClaim of this namespace, mounted at `mountPath`."""
    uri: Annotated[Uri, scheme_rule(("s3://", "gs://"))] | None = None
    """Address that the code itself writes to."""
    mount_path: MountPath = "/mnt/checkpoints"
    """Where the container sees the claim."""
    resume: Literal["Latest", "Never"] = "Latest"
    """Whether a further attempt is told to go on from the latest checkpoint."""
