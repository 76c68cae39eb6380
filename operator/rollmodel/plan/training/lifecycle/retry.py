"""After an attempt without success: another one, or the last word."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.trainingjob import Attempts, TrainingJobSpec
from rollmodel.plan.conditions import Line
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import Look
from rollmodel.plan.training.lifecycle.attempts import backoff_seconds, counted
from rollmodel.plan.training.lifecycle.job_outcome import End

__all__ = ["KILLED_REASONS", "ended"]

#: Outcomes after which the run counts as killed rather than failed.
KILLED_REASONS = frozenset({"DeadlineExceeded", "BudgetExceeded"})


def ended(look: Look, draft: Draft, end: End) -> Draft:
    """The counts with this end; the Job is forgotten where there will be another."""
    before = draft.status.attempts or Attempts()
    after = counted(before, end, before.gpu_seconds)
    draft = replace(draft.noting(attempts=after), running=Line("False", end.reason, end.message))
    last = _last_word(look.spec, after, end)
    if last is not None:
        return draft.ending(last)
    pause = max(0.0, backoff_seconds(look.spec, after) - look.seconds_since(after.last_end_time))
    return draft.noting(job_name=None).waiting("Retrying", f"{end.reason}: {end.message}", seconds=pause)


def _last_word(spec: TrainingJobSpec, counts: Attempts, end: End) -> Line | None:
    """The outcome, where no further attempt is allowed."""
    if end.kind in ("BadData", "Deadline", "Budget"):
        return Line("False", end.reason, end.message)
    if end.kind == "Failure" and counts.failures > spec.retry.max_failures:
        tried = f"failed attempts: {counts.failures}, `retry.maxFailures` is {spec.retry.max_failures}"
        return Line("False", "TooManyFailures", f"{tried}; the last: {end.reason}: {end.message}")
    if end.kind == "Disruption" and counts.disruptions > spec.retry.max_disruptions:
        tried = f"disrupted attempts: {counts.disruptions}, `retry.maxDisruptions` is {spec.retry.max_disruptions}"
        return Line("False", "TooManyDisruptions", f"{tried}; the last: {end.reason}: {end.message}")
    return None
