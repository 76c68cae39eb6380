"""Why a pod does not run yet, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Trouble", "pending_trouble", "scheduling_trouble", "waiting_trouble"]

_PULL = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with pods. ``fatal``: waiting longer cannot help."""

    reason: str
    message: str
    fatal: bool = False


def waiting_trouble(pod: str, container: Status) -> Iterator[Trouble]:
    """Why a container of this pod cannot start."""
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _PULL:
        message = f"pod {pod}: image {container.get('image')} cannot be pulled: {waiting.get('message') or reason}"
        yield Trouble("ImagePullFailed", message, reason == "InvalidImageName")
    elif reason == "CreateContainerConfigError":
        yield Trouble(reason, f"pod {pod}: {waiting.get('message') or 'the container cannot be configured'}")


def scheduling_trouble(pod: Status) -> Iterator[Trouble]:
    """Why no node takes the pod."""
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            message = f"pod {pod['metadata']['name']}: {condition.get('message', 'cannot be scheduled')}"
            yield Trouble("Unschedulable", message)


def pending_trouble(pods: Sequence[Status]) -> Iterator[Trouble]:
    """Everything that keeps these pods from running."""
    for pod in pods:
        status = pod.get("status") or {}
        for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
            yield from waiting_trouble(pod["metadata"]["name"], container)
        yield from scheduling_trouble(pod)
