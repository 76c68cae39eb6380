"""How an attempt ended: sorted into success, a failure of the code, a disruption, bad data, and the deadline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse
from rollmodel.plan.training.inputs.pins import CONTAINER_PREFIX
from rollmodel.plan.training.lifecycle.pods.main_container import OTHERS_SECONDS, MainEnd, main_ended
from rollmodel.plan.training.objects.job import BAD_DATA_RULE, DISRUPTION_RULE
from rollmodel.text import redact

__all__ = ["End", "EndKind", "job_condition", "job_end"]

EndKind = Literal["Succeeded", "Failure", "Disruption", "BadData", "Deadline", "Budget"]

_RULE = re.compile(r"rule at index (\d+)")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class End:
    """How and when an attempt ended; ``reason`` is one word, ``message`` for people."""

    kind: EndKind
    reason: str
    message: str
    at: datetime


def job_condition(job: Manifest, kind: str) -> Manifest | None:
    """A condition of a Job that is True."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind and condition.get("status") == "True":
            found: Manifest = condition
            return found
    return None


def job_end(
    job: Manifest, pods: Sequence[Manifest], now: datetime, *, nodes: int = 1, messages: bool = True
) -> End | None:
    """How the Job ended, or None while it runs. Pods tell why, as long as they exist.

    Pods with a container beside ours (a mesh's sidecar) may never end, or end badly: the end of the container that
    trains is the end of the run. ``messages``: with the last line that a container of the user's wrote.
    """
    if (complete := job_condition(job, "Complete")) is not None:
        return End("Succeeded", "Completed", "the pods succeeded", _time_of(complete, now))
    failed, ours = job_condition(job, "Failed"), main_ended(pods, nodes)
    if failed is None:
        return _before_others(ours, now, messages=messages)
    kind, reason = _sorted(failed)
    if kind == "Failure" and ours is not None and not ours.failed:
        return End("Succeeded", "Completed", f"{ours.message}; another container failed", min(now, ours.at))
    told = next(_explanations(pods, messages=messages), None)
    if kind == "Failure" and told is not None:
        reason = told[0]
    message = told[1] if told is not None and kind in ("Failure", "BadData") else str(failed.get("message") or reason)
    return End(kind, reason, message, _time_of(failed, now))


def _before_others(ours: MainEnd | None, now: datetime, *, messages: bool) -> End | None:
    """The end of our container, where others in its pods have had their time to end, too."""
    if ours is None or not ours.others or (now - ours.at).total_seconds() < OTHERS_SECONDS:
        return None
    message = f"{ours.message}; container {ours.others} goes on and was not waited for"
    if ours.failed is None:
        return End("Succeeded", "Completed", message, ours.at)
    reason, told = _explained(*ours.failed, said=messages)
    return End("Failure", reason, told, ours.at)


def _sorted(failed: Manifest) -> tuple[EndKind, str]:
    if failed.get("reason") == "DeadlineExceeded":
        return "Deadline", "DeadlineExceeded"
    if failed.get("reason") == "PodFailurePolicy":
        rule = _RULE.search(str(failed.get("message")))
        if rule is not None and int(rule[1]) == DISRUPTION_RULE:
            return "Disruption", "PodDisrupted"
        if rule is not None and int(rule[1]) == BAD_DATA_RULE:
            return "BadData", "DataInvalid"
    return "Failure", "PodFailed"


def _explanations(pods: Sequence[Manifest], *, messages: bool) -> Iterator[tuple[str, str]]:
    """Reason and message of every container that failed, in the order in which containers run."""
    for pod in pods:
        status = pod.get("status") or {}
        for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
            ended = (container.get("state") or {}).get("terminated") or {}
            if ended.get("exitCode"):
                own = container["name"].startswith(CONTAINER_PREFIX)
                yield _explained(pod["metadata"]["name"], container["name"], ended, said=messages or own)


def _explained(pod: str, container: str, ended: Manifest, *, said: bool) -> tuple[str, str]:
    lines = str(ended.get("message") or "").strip().splitlines() if said else []
    last = f": {redact(lines[-1])[-_LONGEST:].strip()}" if lines else ""
    message = f"container {container} of pod {pod} ended with exit code {ended['exitCode']}"
    if ended.get("reason") == "OOMKilled":
        return "OutOfMemory", f"{message}, out of memory{last}"
    return ("InputFailed" if container.startswith(CONTAINER_PREFIX) else "PodFailed"), f"{message}{last}"


def _time_of(condition: Manifest, now: datetime) -> datetime:
    moment = condition.get("lastTransitionTime")
    return min(now, parse(moment)) if moment else now
