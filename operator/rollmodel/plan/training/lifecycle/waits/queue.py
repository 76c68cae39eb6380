"""What Kueue says about our Job: its Workload's reason, and the place in the queue.

Conditions as in https://kueue.sigs.k8s.io/docs/concepts/workload/.
"""

from __future__ import annotations

from typing import Any

from rollmodel.api.trainingjob import QueueStatus
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.training.observed import Observed

__all__ = ["queue"]


def queue(observed: Observed, job: Manifest) -> QueueStatus | None:
    """The Workload of this Job, in few words; None without a queue, or once pods may run."""
    if observed.spec.queue_name is None or not job["spec"].get("suspend"):
        return None
    if observed.workloads is None:
        return QueueStatus(reason="KueueNotFound", message="Kueue is not installed, so nothing resumes the Job")
    mine = next((one for one in observed.workloads if _is_of(one, job["metadata"]["uid"])), None)
    if mine is None:
        return QueueStatus(reason="NoWorkload", message="Kueue has not taken notice of the Job yet")
    reason, message = _said(mine)
    return QueueStatus(position=_position(mine, observed.workloads), reason=reason, message=message)


def _is_of(workload: Manifest, uid: str) -> bool:
    return any(owner.get("uid") == uid for owner in workload["metadata"].get("ownerReferences") or ())


def _said(workload: Manifest) -> tuple[str, str]:
    """Why it waits: evicted, admission checks, or no quota yet."""
    conditions = {one["type"]: one for one in (workload.get("status") or {}).get("conditions") or ()}
    for kind, status in (("Evicted", "True"), ("QuotaReserved", "False"), ("Admitted", "False")):
        found = conditions.get(kind)
        if found is not None and found["status"] == status:
            return found.get("reason") or kind, found.get("message") or kind
    return "Pending", "waits for Kueue"


def _position(mine: Manifest, workloads: Any) -> int | None:
    """Pending Workloads of the same queue before it: of higher priority, or as high and older."""
    if not _is_pending(mine):
        return None
    before = [one for one in workloads if _is_pending(one) and _queue_of(one) == _queue_of(mine)]
    return sum(_rank(one) < _rank(mine) for one in before)


def _is_pending(workload: Manifest) -> bool:
    conditions = (workload.get("status") or {}).get("conditions") or ()
    decided = {one["type"] for one in conditions if one["status"] == "True"}
    return workload["spec"].get("active", True) and not decided & {"QuotaReserved", "Admitted", "Finished"}


def _queue_of(workload: Manifest) -> object:
    return workload["spec"].get("queueName")


def _rank(workload: Manifest) -> tuple[int, str, str]:
    meta = workload["metadata"]
    return -int(workload["spec"].get("priority") or 0), meta.get("creationTimestamp", ""), meta["name"]
