"""One batch/v1 Job per attempt. It never tries again by itself: the TrainingJob counts, and keeps budgets apart.

``podFailurePolicy`` (KEP-3329) sorts failures; its rules are told apart by their index in the Job's condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.plan.training.objects.meta import metadata
from rollmodel.plan.training.objects.pod import VALIDATE_CONTAINER, pod_template
from rollmodel.plan.training.observed import Observed

__all__ = ["BAD_DATA_RULE", "DISRUPTION_RULE", "QUEUE_LABEL", "attempt_job", "suspended"]

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"

#: Indices of the rules of ``podFailurePolicy``.
DISRUPTION_RULE, BAD_DATA_RULE = 0, 1

#: Exit codes of data validation that say nothing about the data: valid; not checked now (``EX_TEMPFAIL`` of BSD's
#: sysexits.h); ended by SIGKILL or SIGTERM, as for want of memory.
_DATA_NOT_REFUSED = [0, 75, 137, 143]


def attempt_job(
    observed: Observed, attempt: int, *, run_id: str, experiment_id: str, seconds_left: int | None
) -> dict[str, Any]:
    """The Job of an attempt. With a queue it is created suspended, and Kueue resumes it."""
    spec, meta = observed.spec, metadata(observed, attempt)
    if spec.queue_name:
        meta["labels"][QUEUE_LABEL] = spec.queue_name
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta,
        "spec": {
            "backoffLimit": 0,
            "completionMode": "Indexed" if spec.nodes > 1 else "NonIndexed",
            "completions": spec.nodes,
            "parallelism": spec.nodes,
            "suspend": spec.queue_name is not None,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": _rules(observed)},
            **({"activeDeadlineSeconds": seconds_left} if seconds_left is not None else {}),
            "template": pod_template(observed, attempt, run_id=run_id, experiment_id=experiment_id),
        },
    }


def suspended(observed: Observed, live: Mapping[str, Any], attempt: int, *, suspend: bool) -> dict[str, Any]:
    """The live Job, suspended or resumed. Its template is handed back as it is: it cannot be changed any more."""
    kept = ("backoffLimit", "completionMode", "completions", "parallelism", "podReplacementPolicy")
    also = ("podFailurePolicy", "activeDeadlineSeconds", "template")
    fields = {key: live["spec"][key] for key in (*kept, *also) if key in live["spec"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(observed, attempt),
        "spec": {**fields, "suspend": suspend},
    }


def _rules(observed: Observed) -> list[dict[str, Any]]:
    disruption = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    if observed.spec.data_validation is None:
        return [disruption]
    bad_data = {
        "action": "FailJob",
        "onExitCodes": {"containerName": VALIDATE_CONTAINER, "operator": "NotIn", "values": _DATA_NOT_REFUSED},
    }
    return [disruption, bad_data]
