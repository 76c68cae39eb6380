"""The arrows up to the end of the pods: the run exists, an attempt's Job exists, its inputs are pinned, it ended."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import Attempts
from rollmodel.plan import naming
from rollmodel.plan.conditions import Line
from rollmodel.plan.times import parse, stamp
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import TRAINED, Live, Look, trained
from rollmodel.plan.training.inputs import pins
from rollmodel.plan.training.inputs.reproducibility import image_digest, reproducibility
from rollmodel.plan.training.lifecycle import attempts
from rollmodel.plan.training.lifecycle.accounting import accounted
from rollmodel.plan.training.lifecycle.active import going_on
from rollmodel.plan.training.lifecycle.create_lock import create, hindered
from rollmodel.plan.training.lifecycle.job_outcome import End, job_end
from rollmodel.plan.training.lifecycle.retry import ended
from rollmodel.plan.training.objects.job import attempt_job
from rollmodel.plan.training.objects.service import rendezvous_service
from rollmodel.plan.training.observed import Problem, TrackedRun
from rollmodel.plan.training.registration.run_metadata import new_run

__all__ = ["attempt", "find_run"]

#: How long a Job must be missing before it counts as deleted: longer than a watch lags behind.
_MISSING_SECONDS = 10.0
_DEADLINE_GRACE_SECONDS = 15.0
_MISSING = "JobMissing"


def find_run(look: Look, draft: Draft) -> Draft:
    """The run exists, and we know which it is."""
    run = look.observed.run
    if isinstance(run, TrackedRun):
        known = draft if draft.status.run_id else draft.noting(claim=None)
        return known.noting(run_id=run.id, experiment_id=run.experiment_id, run_status=run.status)
    if draft.status.run_id is not None:
        return draft
    if look.suspended:
        return _on_hold(draft)
    if isinstance(run, Problem):
        return hindered(draft, run, "the run cannot be created")
    if not look.observed.wants.run:
        return draft.waiting("Pending", "", seconds=1)
    return create(look, draft, "Run", new_run(look))


def attempt(look: Look, draft: Draft) -> Draft:
    """Another attempt begins, goes on, or has ended; after success the pods are not needed any more."""
    if trained(look.status):
        return draft
    if look.attempt is None:
        return _next(look, draft)
    if look.job is None:
        return _missing(look, draft, look.attempt) if look.seen else _again(look, draft, look.attempt)
    return _watch(look, draft, look.attempt, look.job)


def _next(look: Look, draft: Draft) -> Draft:
    """Start an attempt, unless something speaks against it."""
    counts = draft.status.attempts or Attempts()
    if look.suspended:
        return _on_hold(draft)
    if (left := attempts.seconds_left(look.spec, draft.status, look.now)) is not None and left <= 0:
        return ended(look, draft, End("Deadline", "DeadlineExceeded", "no time is left for an attempt", look.now))
    if attempts.used(look.spec, counts):
        return ended(look, draft, End("Budget", "BudgetExceeded", "no GPU hours are left for an attempt", look.now))
    pause = attempts.backoff_seconds(look.spec, counts) - look.seconds_since(counts.last_end_time)
    if counts.last_end_time is not None and pause > 0:
        return draft.waiting("Retrying", str(counts.last_failure or ""), seconds=pause)
    if not isinstance(look.observed.run, TrackedRun):
        problem = look.observed.run or Problem("Pending", "the run was not looked at", transient=True)
        return hindered(draft, problem, "no pod starts without its run")
    resolved = _resolved(look, draft)
    return resolved if resolved.halted else _create(look, resolved, counts.started + 1)


def _resolved(look: Look, draft: Draft) -> Draft:
    """With every alias among the inputs resolved, once."""
    versions = {}
    for name in pins.unresolved_aliases(look.spec, draft.status.inputs):
        found = look.observed.aliases.get(name) or Problem("Pending", "not looked up yet", transient=True)
        if isinstance(found, Problem):
            return hindered(draft, found, f"input {name!r} cannot be resolved")
        versions[name] = found
    return _depending(look, draft.noting(inputs=pins.expected(look.spec, versions, draft.status.inputs)))


def _create(look: Look, draft: Draft, number: int) -> Draft:
    status = draft.status
    job = attempt_job(
        replace(look.observed, status=status),
        number,
        run_id=status.run_id or "",
        experiment_id=status.experiment_id or "",
        seconds_left=attempts.seconds_left(look.spec, status, look.now),
    )
    service = (rendezvous_service(look.observed, number),) if look.spec.nodes > 1 else ()
    message = f"creating Job {job['metadata']['name']}"
    begun = draft.noting(job_name=job["metadata"]["name"]).applying(*service, job)
    return replace(begun, running=Line("False", "Starting", message)).waiting("Starting", message, seconds=5)


def _again(look: Look, draft: Draft, number: int) -> Draft:
    """The Job was never seen: whoever wanted to create it may have been killed first."""
    if look.suspended:
        return _on_hold(draft.noting(job_name=None))
    left = attempts.seconds_left(look.spec, draft.status, look.now)
    if left is not None and left <= 0:
        return ended(look, draft, End("Deadline", "DeadlineExceeded", "no time is left for an attempt", look.now))
    return _create(look, draft, number)


def _missing(look: Look, draft: Draft, number: int) -> Draft:
    """The Job was there: deleted by somebody, or our view is old. Pods that live on prove the latter."""
    name = naming.job(look.observed.name, number)
    before = find(look.status.conditions, "Running")
    noticed = parse(before.last_transition_time) if before is not None and before.reason == _MISSING else look.now
    stopped = accounted(look, draft, noticed)
    waited = (look.now - noticed).total_seconds()
    if waited >= _MISSING_SECONDS and not any(_owned(pod) for pod in look.observed.pods):
        return ended(look, stopped, End("Disruption", "JobDeleted", f"Job {name} was deleted", noticed))
    line = Line("Unknown", _MISSING, f"Job {name} is not there")
    return replace(stopped, running=line).waiting(_MISSING, line.message, seconds=max(1.0, _MISSING_SECONDS - waited))


def _owned(pod: Live) -> bool:
    meta = pod["metadata"]
    return bool(meta.get("ownerReferences")) and not meta.get("deletionTimestamp")


def _watch(look: Look, draft: Draft, number: int, job: Live) -> Draft:
    """The Job is there: take up what it and its pods say."""
    counts = draft.status.attempts or Attempts()
    draft = draft.noting(attempts=counts.model_copy(update={"started": max(counts.started, number)}))
    started = (job.get("status") or {}).get("startTime")
    if started and draft.status.start_time is None:
        draft = draft.noting(start_time=stamp(parse(started)))
    end = job_end(job, look.observed.pods, look.now)
    recorded = pins.merged(look.spec, draft.status.inputs, pins.reports(look.observed.pods))
    if isinstance(recorded, pins.Disagreement):
        end = End("Failure", "InputsDiffer", recorded.message, end.at if end else look.now)
    else:
        draft = _depending(look, draft.noting(inputs=recorded))
    end = end or _over_limit(look, draft)
    if end is None:
        return going_on(look, draft, number, job)
    draft = accounted(look, draft, end.at, job)
    if end.kind != "Succeeded":
        return ended(look, draft, end)
    return replace(draft, running=Line("False", TRAINED, end.message))


def _over_limit(look: Look, draft: Draft) -> End | None:
    """Where the Job controller itself does not know the limit, or is late."""
    left = attempts.seconds_left(look.spec, draft.status, look.now)
    if left is not None and draft.status.start_time is not None and left < -_DEADLINE_GRACE_SECONDS:
        return End("Deadline", "DeadlineExceeded", f"it took longer than {look.spec.deadline_seconds} s", look.now)
    budget, since = attempts.budget_seconds(look.spec), attempts.running_since(look.status, None)
    spent = attempts.spent(look.spec, draft.status.attempts or Attempts(), since, look.now)
    if budget is not None and spent is not None and spent >= budget and look.spec.budget is not None:
        return End("Budget", "BudgetExceeded", f"it used {look.spec.budget.gpu_hours} GPU hours", look.now)
    return None


def _depending(look: Look, draft: Draft) -> Draft:
    """With what the result depends on, as far as it is known now."""
    known = draft.status.reproducibility
    digest = image_digest(look.spec, look.observed.pods) or (known.image_digest if known else None)
    rerun_of = look.observed.rerun_of or (known.rerun_of if known else None)
    return draft.noting(reproducibility=reproducibility(look.spec, draft.status.inputs, digest, rerun_of))


def _on_hold(draft: Draft) -> Draft:
    line = Line("False", "Suspended", "nothing new is started while `suspend` is set")
    return replace(draft, running=line).waiting(line.reason, line.message)
