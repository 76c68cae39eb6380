"""Attempts: what they used, whether there may be another, and when. Counts only grow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import Attempts, TrainingJobSpec, TrainingJobStatus
from rollmodel.plan.diff import quantity
from rollmodel.plan.times import parse, stamp
from rollmodel.plan.training.lifecycle.pods.job_outcome import End

__all__ = ["backoff_seconds", "budget_seconds", "counted", "gpus", "running_since", "seconds_left", "spent", "used"]

_LONGEST_PAUSE = 6 * 3600

_MOST_GPU_SECONDS = 2**31 - 1


def gpus(spec: TrainingJobSpec) -> Decimal:
    """Accelerators of all pods together: limits (else requests) of resources with ``gpu`` in their name."""
    resources = spec.template.resources
    asked = {**(resources.requests or {}), **(resources.limits or {})} if resources else {}
    each = (quantity(value) or Decimal(0) for name, value in asked.items() if "gpu" in name.lower())
    return sum(each, Decimal(0)) * spec.nodes


def running_since(status: TrainingJobStatus, job: Mapping[str, Any] | None) -> datetime | None:
    """Since when pods run, as was last seen; for a Job that was never seen running, since it started."""
    running = find(status.conditions, "Running")
    if running is not None and running.status == "True":
        return parse(running.last_transition_time)
    started = (job.get("status") or {}).get("startTime") if job is not None else None
    return parse(started) if started else None


def spent(spec: TrainingJobSpec, attempts: Attempts, since: datetime | None, until: datetime) -> int | None:
    """GPU seconds of this and all earlier attempts, at most what status can hold; None where no GPU is asked for."""
    if not gpus(spec):
        return None
    seconds = max(0.0, (until - since).total_seconds()) if since is not None else 0.0
    return min(_MOST_GPU_SECONDS, (attempts.gpu_seconds or 0) + round(gpus(spec) * Decimal(seconds)))


def budget_seconds(spec: TrainingJobSpec) -> int | None:
    """The budget in GPU seconds."""
    return int(Decimal(spec.budget.gpu_hours) * 3600) if spec.budget and gpus(spec) else None


def used(spec: TrainingJobSpec, attempts: Attempts) -> bool:
    """Whether the budget is used up."""
    budget = budget_seconds(spec)
    return budget is not None and (attempts.gpu_seconds or 0) >= budget


def seconds_left(spec: TrainingJobSpec, status: TrainingJobStatus, now: datetime) -> int | None:
    """What is left of the deadline, which runs from the first pod on; None without one."""
    if spec.deadline_seconds is None or status.start_time is None:
        return spec.deadline_seconds
    return spec.deadline_seconds - int((now - parse(status.start_time)).total_seconds())


def counted(attempts: Attempts, end: End, gpu_seconds: int | None) -> Attempts:
    """The counts with an attempt that ended without success. The end of a deadline or budget is not counted."""
    return attempts.model_copy(
        update={
            "failures": attempts.failures + (end.kind in ("Failure", "BadData")),
            "disruptions": attempts.disruptions + (end.kind == "Disruption"),
            "last_failure": f"{end.reason}: {end.message}",
            "last_end_time": stamp(end.at),
            "gpu_seconds": gpu_seconds,
        }
    )


def backoff_seconds(spec: TrainingJobSpec, attempts: Attempts) -> int:
    """The pause before the next attempt: doubles with each failure; a disruption alone needs no longer one."""
    if attempts.failures + attempts.disruptions == 0:
        return 0
    doublings = min(max(attempts.failures - 1, 0), 20)
    return int(min(spec.retry.backoff_seconds * 2**doublings, _LONGEST_PAUSE))
