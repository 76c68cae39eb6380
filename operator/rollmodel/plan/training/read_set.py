"""What a pass must read, computed from the object and its children alone: nothing at rest."""

from __future__ import annotations

from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse
from rollmodel.plan.training.context import Context, closed, outcome_known, settles_in, settling, trained
from rollmodel.plan.training.inputs import pins
from rollmodel.plan.training.lifecycle.active import missing_pods, needs_pods
from rollmodel.plan.training.lifecycle.pods.job_outcome import job_condition
from rollmodel.plan.training.lifecycle.validation import refusals
from rollmodel.plan.training.observed import Observed, ReadSet

__all__ = ["read_set"]

#: A Job without a status that is younger has no pods to look at, and no complaints.
_SEEN_SECONDS = 5.0


def read_set(observed: Observed) -> ReadSet:
    """What ``decide`` will need."""
    context, status, spec = Context.of(observed), observed.status, observed.spec
    if spec.schedule is not None or closed(status):
        return ReadSet()
    if outcome_known(status):
        last = status.model_version is not None and settles_in(context) <= 0
        return ReadSet() if settling(context) else ReadSet(run=True, version=last)
    if status.run_id is None:
        if context.suspended or any(refusals(spec)):
            return ReadSet()
        if status.claim is None:  # nobody has created a run yet: there is none to search for
            return ReadSet(owner=True)
    done = trained(status) or (context.job is not None and job_condition(context.job, "Complete") is not None)
    queued = context.job is not None and bool(context.job["spec"].get("suspend"))
    fresh = done and status.claim is None and status.model_version is None
    return ReadSet(
        owner=fresh,
        run=True,
        gates=done and spec.gates is not None and not status.gates,
        version=done and spec.registration is not None,
        pods=_pods(context),
        refusals=_refusals(context),
        workloads=spec.queue_name is not None and queued,
        aliases=pins.unresolved_aliases(spec, status.inputs) if context.attempt is None else (),
        rerun_of=status.reproducibility.hash if fresh and status.reproducibility else None,
    )


def _refusals(context: Context) -> bool:
    """While pods of the Job are missing that its controller should have made."""
    job = context.job
    if job is None or job["spec"].get("suspend") or trained(context.status):
        return False
    ended = job_condition(job, "Complete") or job_condition(job, "Failed")
    if ended is not None or (job.get("status") or {}).get("succeeded") or _just_made(context, job):
        return False
    return missing_pods(context, job)


def _just_made(context: Context, job: Manifest) -> bool:
    """Whether its controller may not have seen it yet: where many come at once that takes it a while."""
    if job.get("status"):
        return False
    created = job["metadata"].get("creationTimestamp")
    age = (context.now - parse(created)).total_seconds() if created else _SEEN_SECONDS
    return 0 <= age < _SEEN_SECONDS  # clocks differ: one that is from tomorrow is looked at


def _pods(context: Context) -> bool:
    """While they can tell something new: why they do not run, what they read, how they ended."""
    if trained(context.status) or context.attempt is None:
        return False
    if context.job is None:
        return context.seen
    ended = job_condition(context.job, "Complete") or job_condition(context.job, "Failed")
    if context.job["spec"].get("suspend") or _just_made(context, context.job):
        return ended is not None
    return ended is not None or needs_pods(context, context.job)
