"""After the outcome: the run is closed in MLflow, and objects that are not needed any more are deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rollmodel.api.conditions import find
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.decision import DeleteObject, Ref, RunStatus, SetRunStatus
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import TRAINED, Context, closed, outcome_known, settles_in, settling, trained
from rollmodel.plan.training.lifecycle.pods.job_outcome import job_condition
from rollmodel.plan.training.lifecycle.retry import KILLED_REASONS
from rollmodel.plan.training.observed import TrackedRun
from rollmodel.plan.training.registration.register import alias_write

__all__ = ["clean", "close", "confirm_alias"]


def close(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """The state of the run follows the outcome; it is read until it does. Tags are written first."""
    if not _over(context, builder) or closed(context.status) or settling(context):
        return builder
    run = context.observed.run
    if isinstance(run, Problem):
        line = None if run.transient else ConditionDraft("True", run.reason, f"the run cannot be closed: {run.message}")
        unread = replace(builder, stalled=builder.stalled or line)
        return unread.leave_open(run.message, seconds=context.timing.retry if run.transient else context.timing.person)
    if not isinstance(run, TrackedRun):
        return builder if builder.status.run_id is None else replace(builder, open_run="not looked at").requeue(1.0)
    builder = builder.set(run_status=run.status)
    final = _final_state(context, builder)
    if run.status != final:
        builder = builder.effect(SetRunStatus(run.id, final))
    if builder.tracks:
        return builder.leave_open(f"run {run.id} is being closed", seconds=1.0)
    return builder


def confirm_alias(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Read the alias once more when no request of another run can be in flight: the newest version owns it."""
    status = context.status
    if not outcome_known(status) or closed(status) or status.model_version is None or context.spec.registration is None:
        return builder
    if (left := settles_in(context)) > 0 or not context.observed.read_set.version:  # it may have got late meanwhile
        text = "the alias is looked at once more"
        return replace(builder, open_run=builder.open_run or text).requeue(max(1.0, left))
    if isinstance(context.observed.alias_version, Problem):
        return builder.leave_open(context.observed.alias_version.message, seconds=context.timing.retry)
    write = alias_write(context, status.model_version)
    if write is None:
        return builder
    return builder.effect(write).leave_open("moving the alias", seconds=1.0)


def clean(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Delete Jobs that should not run; after the time to live the ended ones too. Status stays."""
    over = _over(context, builder)
    current = None if over else builder.status.job_name
    leaving = [child for child in _staying(context) if child["metadata"]["name"] != current and _is_idle(child)]
    if over:
        left = context.spec.ttl_seconds_after_finished - context.seconds_since(builder.status.completion_time)
        if outcome_known(context.status) and left <= 0:
            leaving = list(_staying(context))
        elif any(_staying(context)):
            builder = builder.requeue(max(1.0, left))
    return builder.effect(*(_delete(child) for child in leaving))


def _over(context: Context, builder: DecisionBuilder) -> bool:
    return builder.outcome is not None or outcome_known(context.status)


def _final_state(context: Context, builder: DecisionBuilder) -> RunStatus:
    known = find(context.status.conditions, "Succeeded")
    line = builder.outcome
    status, reason = (line.status, line.reason) if line else (known.status, known.reason) if known else ("", "")
    done = trained(context.status) or (builder.running is not None and builder.running.reason == TRAINED)
    if status == "True" or done:
        return "FINISHED"
    return "KILLED" if reason in KILLED_REASONS else "FAILED"


def _staying(context: Context) -> Iterator[Manifest]:
    for child in context.observed.children:
        if child["kind"] in ("Job", "Service") and not child["metadata"].get("deletionTimestamp"):
            yield child


def _is_idle(child: Manifest) -> bool:
    """Whether it can go now: a Job that ended is kept for its logs."""
    return child["kind"] == "Service" or not (job_condition(child, "Complete") or job_condition(child, "Failed"))


def _delete(child: Manifest) -> DeleteObject:
    return DeleteObject(Ref.of(child), child["metadata"]["uid"])
