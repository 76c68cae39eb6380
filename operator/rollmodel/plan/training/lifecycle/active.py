"""A Job that has not ended (suspended, queued, pending or running), and what status says about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import Attempts
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.decision import SetRunStatus
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.pods.diagnostics import Diagnosis, diagnose_pending
from rollmodel.plan.pods.refusals import with_remedy
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context
from rollmodel.plan.training.inputs import pins
from rollmodel.plan.training.lifecycle import attempts
from rollmodel.plan.training.lifecycle.accounting import accounted
from rollmodel.plan.training.lifecycle.pods.init_containers import at_work
from rollmodel.plan.training.lifecycle.pods.main_container import main_ended
from rollmodel.plan.training.lifecycle.waits.overdue import overdue
from rollmodel.plan.training.lifecycle.waits.queue import queue
from rollmodel.plan.training.names import FINAL_STATES
from rollmodel.plan.training.objects.job import suspended
from rollmodel.plan.training.progress import progress

__all__ = ["continue_attempt", "missing_pods", "needs_pods", "ready_pods"]

#: Pods are not watched; while they are needed they are read this often, in seconds.
_PODS_SECONDS = 5.0
_REFUSED = "FailedCreate"
_NEEDS_PERSON = {"ImagePullFailed", "CreateContainerConfigError", _REFUSED}


def continue_attempt(context: Context, builder: DecisionBuilder, number: int, job: Manifest) -> DecisionBuilder:
    """Follow an attempt that has not ended."""
    if context.suspended and context.spec.queue_name:
        # Kueue owns `suspend`, so the Job is withdrawn from the queue; clean() deletes what is not current.
        message = "the Job was withdrawn from the queue because `suspend` is set"
        return replace(builder.set(job_name=None), running=ConditionDraft("False", "Suspended", message)).wait(
            "Suspended", message
        )
    builder = _suspension(context, builder, number, job)
    builder = _reopened(context, builder, number, job)
    trouble = None if _complete(context, job) else _trouble(context, job)
    line = _running(context, builder, job, trouble)
    stopped = replace(builder.set(queue=queue(context.observed, job)), running=line)
    if line.status != "True":
        stopped = accounted(context, stopped, context.now)
    stopped = stopped.set(progress=progress(context.run, context.now) or context.status.progress)
    late = None if _complete(context, job) else overdue(context, job)
    for seconds in _due(context, stopped, job, told=late is not None):
        stopped = stopped.requeue(seconds)
    return _judged(stopped, line, trouble, late)


def ready_pods(job: Manifest) -> int:
    """Pods of the Job that run."""
    return int((job.get("status") or {}).get("ready") or 0)


def missing_pods(context: Context, job: Manifest) -> bool:
    """Whether the Job has fewer pods than it should have."""
    return int((job.get("status") or {}).get("active") or 0) < context.spec.nodes


def needs_pods(context: Context, job: Manifest) -> bool:
    """Whether the pods know something that status does not: why they do not run, what they read, which image."""
    facts = context.status.reproducibility
    known = pins.complete(context.spec, context.status.inputs) and facts is not None and facts.image_digest is not None
    return not known or ready_pods(job) < context.spec.nodes


def _suspension(context: Context, builder: DecisionBuilder, number: int, job: Manifest) -> DecisionBuilder:
    """Without a queue, ``suspend`` is ours."""
    if context.spec.queue_name or bool(job["spec"].get("suspend")) == context.suspended:
        return builder
    return builder.apply_objects(suspended(context.observed, job, number, suspend=context.suspended))


def _reopened(context: Context, builder: DecisionBuilder, number: int, job: Manifest) -> DecisionBuilder:
    """A run that an earlier attempt closed is opened again until pods run; then the training code owns its state."""
    run = context.run
    if number == 1 or run is None or run.status not in FINAL_STATES or ready_pods(job):
        return builder
    return builder.effect(SetRunStatus(run.id, "RUNNING"))


def _running(context: Context, builder: DecisionBuilder, job: Manifest, trouble: Diagnosis | None) -> ConditionDraft:
    name, ready = job["metadata"]["name"], ready_pods(job)
    if job["spec"].get("suspend") or (context.suspended and not context.spec.queue_name):
        if context.spec.queue_name:
            waits = queue(context.observed, job)
            return ConditionDraft(
                "False", "Queued", (waits.message if waits else None) or f"Job {name} waits for Kueue"
            )
        return ConditionDraft("False", "Suspended", f"Job {name} is suspended")
    was = find(context.status.conditions, "Running")
    finishing = was is not None and was.status == "True" and not (job.get("status") or {}).get("active")
    if (left := main_ended(context.observed.pods, context.spec.nodes)) is not None and left.others:
        message = f"Job {name}: {left.message}; container {left.others} of its pods is given time to end"
        return ConditionDraft("True", "Running", message)
    if ready or finishing:
        return ConditionDraft(
            "True", "Running", f"attempt {(builder.status.attempts or Attempts()).started}: Job {name}"
        )
    if trouble is not None:
        return ConditionDraft("False", trouble.reason, trouble.message)
    return ConditionDraft("False", "Pending", at_work(context) or f"the pods of Job {name} are starting")


def _trouble(context: Context, job: Manifest) -> Diagnosis | None:
    """Why pods do not run, or are not there."""
    found = next(diagnose_pending(context.observed.pods, "template"), None)
    if found is not None or not context.observed.refusals or not missing_pods(context, job):
        return found
    why = with_remedy(context.observed.refusals[0], "template")
    said = f"the pods of Job {job['metadata']['name']} cannot be created: {why}"
    return Diagnosis(_REFUSED, said)


def _complete(context: Context, job: Manifest) -> bool:
    """Whether all pods run, or have begun to end."""
    status = job.get("status") or {}
    return ready_pods(job) >= context.spec.nodes or bool(status.get("succeeded") or status.get("failed"))


def _due(context: Context, builder: DecisionBuilder, job: Manifest, *, told: bool) -> Iterator[float]:
    if job["spec"].get("suspend"):
        if context.spec.queue_name:
            yield context.observed.defaults.poll_seconds
        return
    yield _PODS_SECONDS if needs_pods(context, job) and not told else context.observed.defaults.poll_seconds
    left = attempts.seconds_left(context.spec, builder.status, context.now)
    if left is not None:
        yield max(1.0, left)
    budget, used = attempts.budget_seconds(context.spec), attempts.gpus(context.spec)
    since = attempts.running_since(context.status, None)
    spent = attempts.spent(context.spec, builder.status.attempts or Attempts(), since, context.now)
    if budget is not None and spent is not None and since is not None:
        yield max(1.0, float((budget - spent) / used))


def _judged(
    builder: DecisionBuilder, line: ConditionDraft, trouble: Diagnosis | None, late: ConditionDraft | None
) -> DecisionBuilder:
    """With the reason why the run waits for pods, if it does: for all of them, or the others of several nodes."""
    if trouble is not None and trouble.reason in _NEEDS_PERSON:
        return builder.stall(trouble.reason, trouble.message)
    if late is not None:
        return builder.stall(late.reason, late.message)
    return builder.wait(line.reason, line.message)
