"""The container that trains, in pods that others put containers into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse
from rollmodel.plan.training.inputs.reproducibility import TRAIN_CONTAINER

__all__ = ["OTHERS_SECONDS", "MainEnd", "main_ended"]

#: How long containers beside ours may take to end after it: as long as Kubernetes' default grace period.
OTHERS_SECONDS = 30


@dataclass(frozen=True, slots=True)
class MainEnd:
    """The containers that train have ended in all pods, or one has failed.

    ``failed`` is the one that did: pod, container, terminated state. ``others`` names a container that still runs.
    """

    at: datetime
    message: str
    failed: tuple[str, str, Manifest] | None
    others: str | None


def main_ended(pods: Sequence[Manifest], nodes: int) -> MainEnd | None:
    """How our containers ended, or None while one of them runs or has yet to start."""
    ends: list[datetime] = []
    failed: tuple[str, str, Manifest] | None = None
    others: str | None = None
    for pod in pods:
        states = {
            one["name"]: one.get("state") or {} for one in (pod.get("status") or {}).get("containerStatuses") or ()
        }
        ended = states.get(TRAIN_CONTAINER, {}).get("terminated")
        if not ended or not ended.get("finishedAt") or pod["metadata"].get("deletionTimestamp"):
            continue  # who ends a pod speaks in its Job
        ends.append(parse(ended["finishedAt"]))
        others = others or next((name for name, state in states.items() if state.get("running") is not None), None)
        if ended.get("exitCode"):
            failed = failed or (pod["metadata"]["name"], TRAIN_CONTAINER, ended)
    if not ends or (failed is None and len(ends) < nodes):
        return None
    how = "failed" if failed else "ended well"
    return MainEnd(max(ends), f"container {TRAIN_CONTAINER} {how}", failed, others)
