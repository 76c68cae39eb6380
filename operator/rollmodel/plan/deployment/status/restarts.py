"""How often the container with the model has restarted since the candidate began, of both revisions.

Kubernetes counts restarts over the whole life of a pod, and keeps the time of the last end only. Of an older pod whose
last end came after the candidate's beginning the share of its life since then is taken, one at least.
"""

from __future__ import annotations

from datetime import datetime

from rollmodel.plan import naming
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.objects.pod.template import MODEL_CONTAINER
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse

__all__ = ["last_end", "model_containers", "pods_of", "restarts_per_second", "restarts_since"]


def pods_of(context: Context, revision: str) -> list[Manifest]:
    """The listed pods of a revision."""
    labelled = ((pod, pod["metadata"].get("labels") or {}) for pod in context.observed.pods)
    return [dict(pod) for pod, labels in labelled if labels.get(naming.REVISION) == revision]


def model_containers(pod: Manifest) -> list[Manifest]:
    """The status of the container with the model, where there is one."""
    found = (pod.get("status") or {}).get("containerStatuses") or ()
    return [container for container in found if container["name"] == MODEL_CONTAINER]


def last_end(container: Manifest) -> Manifest | None:
    """How the container ended last."""
    for state in (container.get("state") or {}, container.get("lastState") or {}):
        if state.get("terminated"):
            ended: Manifest = state["terminated"]
            return ended
    return None


def restarts_since(context: Context, pod: Manifest, container: Manifest) -> int:
    """Restarts of a container since the candidate began; over its whole life where there is no candidate."""
    count, ended, began = int(container.get("restartCount") or 0), last_end(container), _began(context)
    created, finished = _time(pod["metadata"], "creationTimestamp"), _time(ended or {}, "finishedAt")
    if began is None or created is None or created >= began or not count:
        return count
    if finished is not None and finished < began:
        return 0
    age, lasted = (context.now - created).total_seconds(), (context.now - began).total_seconds()
    return max(1, round(count * lasted / age)) if age > 0 else count


def restarts_per_second(context: Context, revision: str) -> float:
    """Restarts of a revision since the candidate began, for each second that one of its pods has lived since."""
    began, count, seconds = _began(context), 0, 0.0
    for pod in pods_of(context, revision):
        count += sum(restarts_since(context, pod, container) for container in model_containers(pod))
        times = [time for time in (began, _time(pod["metadata"], "creationTimestamp")) if time is not None]
        seconds += max(1.0, (context.now - max(times)).total_seconds()) if times else 1.0
    return count / seconds if seconds else 0.0


def _began(context: Context) -> datetime | None:
    candidate = context.observed.status.candidate
    return parse(candidate.started) if candidate is not None and candidate.started is not None else None


def _time(fields: Manifest, name: str) -> datetime | None:
    return parse(fields[name]) if fields.get(name) else None
