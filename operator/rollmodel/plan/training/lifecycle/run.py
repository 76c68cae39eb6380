"""The steps up to the end of the pods: the run exists, an attempt's Job exists, its inputs are pinned, it ended."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import Attempts
from rollmodel.plan import naming
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import parse, stamp
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import TRAINED, Context, trained
from rollmodel.plan.training.inputs import pins
from rollmodel.plan.training.inputs.reproducibility import image_digest, reproducibility
from rollmodel.plan.training.lifecycle import attempts
from rollmodel.plan.training.lifecycle.accounting import accounted
from rollmodel.plan.training.lifecycle.active import continue_attempt
from rollmodel.plan.training.lifecycle.create_lock import create, hindered
from rollmodel.plan.training.lifecycle.pods.job_outcome import End, job_end
from rollmodel.plan.training.lifecycle.retry import ended
from rollmodel.plan.training.objects.job import attempt_job
from rollmodel.plan.training.objects.service import rendezvous_service
from rollmodel.plan.training.observed import TrackedRun
from rollmodel.plan.training.registration.run_metadata import new_run

__all__ = ["attempt", "find_run"]

_MISSING = "JobMissing"


def find_run(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """The run exists, and we know which it is."""
    run = context.observed.run
    if isinstance(run, TrackedRun):
        known = builder if builder.status.run_id else builder.set(claim=None)
        return known.set(run_id=run.id, experiment_id=run.experiment_id, run_status=run.status)
    if builder.status.run_id is not None:
        return builder
    if context.suspended:
        return _on_hold(builder)
    if isinstance(run, Problem):
        return hindered(context, builder, run, "the run cannot be created")
    if builder.status.claim is not None and not context.observed.read_set.run:
        return builder.wait("Pending", "", seconds=1)
    return create(context, builder, "Run", new_run(context))


def attempt(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Another attempt begins, goes on, or has ended; after success the pods are not needed any more."""
    if trained(context.status):
        return builder
    if context.attempt is None:
        return _next(context, builder)
    if context.job is None:
        return (
            _missing(context, builder, context.attempt) if context.seen else _again(context, builder, context.attempt)
        )
    return _watch(context, builder, context.attempt, context.job)


def _next(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Start an attempt, unless something forbids it."""
    counts = builder.status.attempts or Attempts()
    if context.suspended:
        return _on_hold(builder)
    if (left := attempts.seconds_left(context.spec, builder.status, context.now)) is not None and left <= 0:
        return ended(
            context, builder, End("Deadline", "DeadlineExceeded", "no time is left for an attempt", context.now)
        )
    if attempts.used(context.spec, counts):
        return ended(
            context, builder, End("Budget", "BudgetExceeded", "no GPU hours are left for an attempt", context.now)
        )
    pause = attempts.backoff_seconds(context.spec, counts) - context.seconds_since(counts.last_end_time)
    if counts.last_end_time is not None and pause > 0:
        return builder.wait("Retrying", str(counts.last_failure or ""), seconds=pause)
    if not isinstance(context.observed.run, TrackedRun):
        problem = context.observed.run or Problem("Pending", "the run was not looked at", transient=True)
        return hindered(context, builder, problem, "no pod starts without its run")
    resolved = _resolved(context, builder)
    return resolved if resolved.halted else _create(context, resolved, counts.started + 1)


def _resolved(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """With every alias among the inputs resolved, once."""
    versions = {}
    for name in pins.unresolved_aliases(context.spec, builder.status.inputs):
        found = context.observed.aliases.get(name) or Problem("Pending", "not looked up yet", transient=True)
        if isinstance(found, Problem):
            return hindered(context, builder, found, f"input {name!r} cannot be resolved")
        versions[name] = found
    return _depending(context, builder.set(inputs=pins.expected(context.spec, versions, builder.status.inputs)))


def _create(context: Context, builder: DecisionBuilder, number: int) -> DecisionBuilder:
    status = builder.status
    job = attempt_job(
        replace(context.observed, status=status),
        number,
        run_id=status.run_id or "",
        experiment_id=status.experiment_id or "",
        seconds_left=attempts.seconds_left(context.spec, status, context.now),
    )
    service = (rendezvous_service(context.observed, number),) if context.spec.nodes > 1 else ()
    message = f"creating Job {job['metadata']['name']}"
    begun = builder.set(job_name=job["metadata"]["name"]).apply_objects(*service).apply_objects(job, needs=service)
    return replace(begun, running=ConditionDraft("False", "Starting", message)).wait("Starting", message, seconds=5)


def _again(context: Context, builder: DecisionBuilder, number: int) -> DecisionBuilder:
    """The Job was never seen: the operator may have been killed before it created it."""
    if context.suspended:
        return _on_hold(builder.set(job_name=None))
    left = attempts.seconds_left(context.spec, builder.status, context.now)
    if left is not None and left <= 0:
        return ended(
            context, builder, End("Deadline", "DeadlineExceeded", "no time is left for an attempt", context.now)
        )
    return _create(context, builder, number)


def _missing(context: Context, builder: DecisionBuilder, number: int) -> DecisionBuilder:
    """The Job is missing: somebody deleted it, or our cache is old. Living pods prove the latter."""
    name = naming.job(context.observed.name, number)
    before = find(context.status.conditions, "Running")
    noticed = parse(before.last_transition_time) if before is not None and before.reason == _MISSING else context.now
    stopped = accounted(context, builder, noticed)
    waited = (context.now - noticed).total_seconds()
    if waited >= context.timing.missing and not any(_owned(pod) for pod in context.observed.pods):
        return ended(context, stopped, End("Disruption", "JobDeleted", f"Job {name} was deleted", noticed))
    line = ConditionDraft("Unknown", _MISSING, f"Job {name} is not there")
    seconds = max(1.0, context.timing.missing - waited)
    return replace(stopped, running=line).wait(_MISSING, line.message, seconds=seconds)


def _owned(pod: Manifest) -> bool:
    meta = pod["metadata"]
    return bool(meta.get("ownerReferences")) and not meta.get("deletionTimestamp")


def _watch(context: Context, builder: DecisionBuilder, number: int, job: Manifest) -> DecisionBuilder:
    """The Job exists: record what it and its pods say."""
    counts = builder.status.attempts or Attempts()
    builder = builder.set(attempts=counts.model_copy(update={"started": max(counts.started, number)}))
    started = (job.get("status") or {}).get("startTime")
    if not started and context.observed.refusals:  # else a deadline would never begin
        started = job["metadata"].get("creationTimestamp")
    if started and builder.status.start_time is None:
        builder = builder.set(start_time=stamp(parse(started)))
    told = context.observed.defaults.container_messages
    end = job_end(job, context.observed.pods, context.now, nodes=context.spec.nodes, messages=told)
    recorded = pins.merged(context.spec, builder.status.inputs, pins.reports(context.observed.pods))
    if isinstance(recorded, pins.Disagreement):
        end = End("Failure", "InputsDiffer", recorded.message, end.at if end else context.now)
    else:
        builder = _depending(context, builder.set(inputs=recorded))
    end = end or _over_limit(context, builder)
    if end is None:
        return continue_attempt(context, builder, number, job)
    builder = accounted(context, builder, end.at, job)
    if end.kind != "Succeeded":
        return ended(context, builder, end)
    return replace(builder, running=ConditionDraft("False", TRAINED, end.message))


def _over_limit(context: Context, builder: DecisionBuilder) -> End | None:
    """Limits that the Job controller does not know, or enforces late."""
    left = attempts.seconds_left(context.spec, builder.status, context.now)
    if left is not None and builder.status.start_time is not None and left < -context.timing.grace:
        return End(
            "Deadline", "DeadlineExceeded", f"it took longer than {context.spec.deadline_seconds} s", context.now
        )
    budget, since = attempts.budget_seconds(context.spec), attempts.running_since(context.status, None)
    spent = attempts.spent(context.spec, builder.status.attempts or Attempts(), since, context.now)
    if budget is not None and spent is not None and spent >= budget and context.spec.budget is not None:
        return End("Budget", "BudgetExceeded", f"it used {context.spec.budget.gpu_hours} GPU hours", context.now)
    return None


def _depending(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """With the reproducibility record, as far as it is known now."""
    known = builder.status.reproducibility
    digest = image_digest(context.spec, context.observed.pods) or (known.image_digest if known else None)
    rerun_of = context.observed.rerun_of or (known.rerun_of if known else None)
    return builder.set(reproducibility=reproducibility(context.spec, builder.status.inputs, digest, rerun_of))


def _on_hold(builder: DecisionBuilder) -> DecisionBuilder:
    line = ConditionDraft("False", "Suspended", "nothing new is started while `suspend` is set")
    return replace(builder, running=line).wait(line.reason, line.message)
