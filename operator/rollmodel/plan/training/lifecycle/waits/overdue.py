"""How long a run may wait for a queue or for its pods before somebody is told. It goes on waiting all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rollmodel.api.conditions import find
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.pods.diagnostics import diagnose_pending
from rollmodel.plan.times import parse
from rollmodel.plan.training.context import Context
from rollmodel.plan.training.lifecycle.pods.init_containers import initialises, too_long
from rollmodel.plan.training.lifecycle.waits.queue import queue

__all__ = ["overdue"]

#: What Kueue says, or does not say, of a Job that it will not admit by itself. A queue without room is no such thing.
_NOBODY_ADMITS = {"KueueNotFound", "NoWorkload", "Inadmissible"}


def overdue(context: Context, job: Manifest) -> ConditionDraft | None:
    """Why this Job has waited for longer than ``Timing.pending``; None while it has not, or is at work."""
    patience = context.timing.pending
    if job["spec"].get("suspend"):
        waits = queue(context.observed, job)
        if waits is None or waits.reason not in _NOBODY_ADMITS or _age(context, _since(context, job)) < patience:
            return None
        return ConditionDraft("True", waits.reason, f"for {patience:.0f} s: {waits.message}")
    ending = [pod for pod in context.observed.pods if pod["metadata"].get("deletionTimestamp")]
    if ending or _have_run(context, job):
        return _not_ended(context, ending) if ending else None
    return _not_started(context, job)


def _not_started(context: Context, job: Manifest) -> ConditionDraft | None:
    """Pods that are missing, or have been there without starting, for too long."""
    patience = context.timing.pending
    pods = [pod for pod in context.observed.pods if (pod.get("status") or {}).get("phase") != "Running"]
    missing = int((job.get("status") or {}).get("active") or 0) < context.spec.nodes
    if not pods and not missing:
        return None
    stuck = [pod for pod in pods if not initialises(pod)]
    since = min((_since(context, job, pod) for pod in stuck), default=_since(context, job))
    if pods and not stuck:
        return too_long(context)
    if _age(context, since) < patience:
        return None
    known = next(diagnose_pending(stuck, "template"), None)
    if known is not None:
        return ConditionDraft("True", known.reason, f"for {patience:.0f} s: {known.message}")
    there = f"{len(context.observed.pods)} of {context.spec.nodes}" if context.observed.pods else "no"
    why = "; ".join(_waiting(stuck)) or f"Job {job['metadata']['name']} has {there} pods"
    return ConditionDraft("True", "PodsNotStarted", f"pods have not started for {patience:.0f} s: {why}")


def _have_run(context: Context, job: Manifest) -> bool:
    """Whether pods ran and none is left: the Job is about to say how they ended."""
    running = find(context.status.conditions, "Running")
    return running is not None and running.status == "True" and not (job.get("status") or {}).get("active")


def _not_ended(context: Context, ending: list[Manifest]) -> ConditionDraft | None:
    """Pods that should have ended, by the time that Kubernetes gave them: their node may be gone."""
    patience, (since, pod) = context.timing.pending, min((_end_of(pod), pod["metadata"]["name"]) for pod in ending)
    if _age(context, since) < patience:
        return None
    message = (
        f"pod {pod} should have ended more than {patience:.0f} s ago, and its Job waits for that: its node does not"
        f" answer, or a finalizer holds it; once nothing of it runs any more, `kubectl delete pod {pod} --force`"
    )
    return ConditionDraft("True", "PodsNotEnded", message)


def _end_of(pod: Manifest) -> datetime:
    moment: str = pod["metadata"]["deletionTimestamp"]
    return parse(moment)


def _since(context: Context, job: Manifest, pod: Manifest | None = None) -> datetime:
    """Since when it waits: the Job, or its pod, exists; it was admitted; or its pods were lost."""
    moments = [(job.get("status") or {}).get("startTime") or job["metadata"].get("creationTimestamp")]
    if pod is not None:
        moments.append(pod["metadata"].get("creationTimestamp"))
    elif (running := find(context.status.conditions, "Running")) is not None and running.status != "True":
        moments.append(running.last_transition_time)
    return max((parse(moment) for moment in moments if moment), default=context.now)


def _age(context: Context, since: datetime) -> float:
    return (context.now - since).total_seconds()


def _waiting(pods: list[Manifest]) -> Iterator[str]:
    for pod in pods:
        status = pod.get("status") or {}
        for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
            waiting = (container.get("state") or {}).get("waiting")
            if waiting:
                said = ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
                yield f"pod {pod['metadata']['name']}, container {container['name']}: {said}"
