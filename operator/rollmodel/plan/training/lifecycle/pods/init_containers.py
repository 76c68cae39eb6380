"""Init containers at work: they fetch or check data, which may take its time, and ends or is told of.

Ours gives up by itself where less than 1 kB/s arrives (TooSlow). Hours at more than that, a volume that hangs, and the
user's own check are not told apart from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.training.context import Context

__all__ = ["LONGEST_SECONDS", "at_work", "initialises", "too_long"]

#: Without a deadline somebody is asked to look after so long.
LONGEST_SECONDS = 6 * 3600


@dataclass(frozen=True, slots=True, order=True)
class _Work:
    since: str
    pod: str
    container: str

    def __str__(self) -> str:
        return f"container {self.container} of pod {self.pod}"


def initialises(pod: Manifest) -> bool:
    """Whether an init container of this pod runs."""
    return any(_running([pod]))


def at_work(context: Context) -> str | None:
    """In words, what has been at work for longer than ``Timing.pending``; None where nothing has."""
    work = min(_running(context.observed.pods), default=None)
    if work is None or not work.since or context.seconds_since(work.since) < context.timing.pending:
        return None
    return f"{work} is at work since {work.since}: `kubectl logs {work.pod} -c {work.container}` says how far it is"


def too_long(context: Context) -> ConditionDraft | None:
    """What has been at work for hours, where no ``deadlineSeconds`` will end it."""
    work = min(_running(context.observed.pods), default=None)
    if work is None or not work.since or context.spec.deadline_seconds is not None:
        return None
    if context.seconds_since(work.since) < LONGEST_SECONDS:
        return None
    message = (
        f"{work} has been at work for more than {LONGEST_SECONDS // 3600} h, and without `deadlineSeconds` nothing ends"
        f" it: `kubectl logs {work.pod} -c {work.container}` says how far it is"
    )
    return ConditionDraft("True", "InitOverdue", message)


def _running(pods: Sequence[Manifest]) -> Iterator[_Work]:
    for pod in pods:
        for container in (pod.get("status") or {}).get("initContainerStatuses") or ():
            state = (container.get("state") or {}).get("running")
            if state is not None and not container.get("ready"):  # one that is ready is a sidecar
                yield _Work(str(state.get("startedAt") or ""), pod["metadata"]["name"], container["name"])
