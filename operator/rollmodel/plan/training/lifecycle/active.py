"""A Job that has not ended: suspended, queued, pending or running, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import Attempts
from rollmodel.plan.conditions import Line
from rollmodel.plan.decision import SetRunStatus
from rollmodel.plan.pod_diagnostics import pending_trouble
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import Live, Look
from rollmodel.plan.training.inputs import pins
from rollmodel.plan.training.lifecycle import attempts
from rollmodel.plan.training.lifecycle.accounting import accounted
from rollmodel.plan.training.lifecycle.queue import queue
from rollmodel.plan.training.names import FINAL_STATES
from rollmodel.plan.training.objects.job import suspended
from rollmodel.plan.training.progress import progress

__all__ = ["going_on", "needs_pods", "ready_pods"]

#: Pods are not watched; while they are needed they are looked at this often, in seconds.
_PODS_SECONDS = 5.0
_NEEDS_PERSON = {"ImagePullFailed", "CreateContainerConfigError"}


def going_on(look: Look, draft: Draft, number: int, job: Live) -> Draft:
    """The attempt has not ended."""
    if look.suspended and look.spec.queue_name:
        # Kueue owns `suspend`, so the Job is withdrawn from the queue; clean() deletes what is not current.
        message = "the Job was withdrawn from the queue because `suspend` is set"
        return replace(draft.noting(job_name=None), running=Line("False", "Suspended", message)).waiting(
            "Suspended", message
        )
    draft = _suspension(look, draft, number, job)
    draft = _reopened(look, draft, number, job)
    line = _running(look, draft, job)
    stopped = replace(draft.noting(queue=queue(look.observed, job)), running=line)
    if line.status != "True":
        stopped = accounted(look, stopped, look.now)
    stopped = stopped.noting(progress=progress(look.run, look.now) or look.status.progress)
    for seconds in _due(look, stopped, job):
        stopped = stopped.looking_again(seconds)
    return _judged(look, stopped, line)


def ready_pods(job: Live) -> int:
    """Pods of the Job that run."""
    return int((job.get("status") or {}).get("ready") or 0)


def needs_pods(look: Look, job: Live) -> bool:
    """Whether the pods know something that status does not: why they do not run, what they read, which image."""
    facts = look.status.reproducibility
    known = pins.complete(look.spec, look.status.inputs) and facts is not None and facts.image_digest is not None
    return not known or ready_pods(job) < look.spec.nodes


def _suspension(look: Look, draft: Draft, number: int, job: Live) -> Draft:
    """Without a queue, ``suspend`` is ours."""
    if look.spec.queue_name or bool(job["spec"].get("suspend")) == look.suspended:
        return draft
    return draft.applying(suspended(look.observed, job, number, suspend=look.suspended))


def _reopened(look: Look, draft: Draft, number: int, job: Live) -> Draft:
    """A run that an earlier attempt closed is open again, until pods run: then it is theirs."""
    run = look.run
    if number == 1 or run is None or run.status not in FINAL_STATES or ready_pods(job):
        return draft
    return draft.telling(SetRunStatus(run.id, "RUNNING"))


def _running(look: Look, draft: Draft, job: Live) -> Line:
    name, ready = job["metadata"]["name"], ready_pods(job)
    if job["spec"].get("suspend") or (look.suspended and not look.spec.queue_name):
        if look.spec.queue_name:
            waits = queue(look.observed, job)
            return Line("False", "Queued", (waits.message if waits else None) or f"Job {name} waits for Kueue")
        return Line("False", "Suspended", f"Job {name} is suspended")
    was = find(look.status.conditions, "Running")
    finishing = was is not None and was.status == "True" and not (job.get("status") or {}).get("active")
    if ready or finishing:
        return Line("True", "Running", f"attempt {(draft.status.attempts or Attempts()).started}: Job {name}")
    trouble = next(pending_trouble(look.observed.pods), None)
    if trouble is not None:
        return Line("False", trouble.reason, trouble.message)
    return Line("False", "Pending", f"the pods of Job {name} are starting")


def _due(look: Look, draft: Draft, job: Live) -> Iterator[float]:
    if job["spec"].get("suspend"):
        if look.spec.queue_name:
            yield look.observed.defaults.poll_seconds
        return
    yield _PODS_SECONDS if needs_pods(look, job) else look.observed.defaults.poll_seconds
    left = attempts.seconds_left(look.spec, draft.status, look.now)
    if left is not None:
        yield max(1.0, left)
    budget, used = attempts.budget_seconds(look.spec), attempts.gpus(look.spec)
    since = attempts.running_since(look.status, None)
    spent = attempts.spent(look.spec, draft.status.attempts or Attempts(), since, look.now)
    if budget is not None and spent is not None and since is not None:
        yield max(1.0, float((budget - spent) / used))


def _judged(look: Look, draft: Draft, line: Line) -> Draft:
    """What all this means for the whole."""
    trouble = next(pending_trouble(look.observed.pods), None) if line.status == "False" else None
    if trouble is not None and trouble.reason == line.reason and trouble.reason in _NEEDS_PERSON:
        return draft.needing_person(line.reason, line.message)
    return draft.waiting(line.reason, line.message)
