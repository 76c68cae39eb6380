"""After an attempt without success: another one, or the outcome."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.trainingjob import Attempts, TrainingJobSpec
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context
from rollmodel.plan.training.lifecycle.attempts import backoff_seconds, counted
from rollmodel.plan.training.lifecycle.pods.job_outcome import End

__all__ = ["KILLED_REASONS", "ended"]

#: Outcomes after which the run counts as killed rather than failed.
KILLED_REASONS = frozenset({"DeadlineExceeded", "BudgetExceeded"})


def ended(context: Context, builder: DecisionBuilder, end: End) -> DecisionBuilder:
    """The counts with this end; the Job is forgotten where there will be another."""
    before = builder.status.attempts or Attempts()
    after = counted(before, end, before.gpu_seconds)
    builder = replace(builder.set(attempts=after), running=ConditionDraft("False", end.reason, end.message))
    last = _last_word(context.spec, after, end)
    if last is not None:
        return builder.finish(last)
    pause = max(0.0, backoff_seconds(context.spec, after) - context.seconds_since(after.last_end_time))
    return builder.set(job_name=None).wait("Retrying", f"{end.reason}: {end.message}", seconds=pause)


def _last_word(spec: TrainingJobSpec, counts: Attempts, end: End) -> ConditionDraft | None:
    """The outcome, where no further attempt is allowed."""
    if end.kind in ("BadData", "Deadline", "Budget"):
        return ConditionDraft("False", end.reason, end.message)
    if end.kind == "Failure" and counts.failures > spec.retry.max_failures:
        tried = f"failed attempts: {counts.failures}, `retry.maxFailures` is {spec.retry.max_failures}"
        return ConditionDraft("False", "TooManyFailures", f"{tried}; the last: {end.reason}: {end.message}")
    if end.kind == "Disruption" and counts.disruptions > spec.retry.max_disruptions:
        tried = f"disrupted attempts: {counts.disruptions}, `retry.maxDisruptions` is {spec.retry.max_disruptions}"
        return ConditionDraft("False", "TooManyDisruptions", f"{tried}; the last: {end.reason}: {end.message}")
    return None
