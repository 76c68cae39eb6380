"""Why a pod does not run yet, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rollmodel.plan.manifest import Manifest
from rollmodel.plan.pods.refusals import with_remedy

__all__ = ["Diagnosis", "diagnose_pending", "diagnose_scheduling", "diagnose_waiting"]

_PULL = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_CANNOT_RUN = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with pods. ``fatal``: waiting longer cannot help. ``of_model``: it speaks about the model."""

    reason: str
    message: str
    fatal: bool = False
    of_model: bool = False


def diagnose_waiting(pod: str, container: Manifest, field: str) -> Iterator[Diagnosis]:
    """Why a container of this pod cannot start; ``field`` is the part of the spec about pods."""
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _PULL:
        message = f"pod {pod}: image {container.get('image')} cannot be pulled: {waiting.get('message') or reason}"
        yield Diagnosis("ImagePullFailed", message, reason == "InvalidImageName")
    elif reason in _CANNOT_RUN:
        why = with_remedy(str(waiting.get("message") or "the container cannot be started"), field)
        yield Diagnosis(reason, f"pod {pod}: {why}")


def diagnose_scheduling(pod: Manifest) -> Iterator[Diagnosis]:
    """Why no node takes the pod."""
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            message = f"pod {pod['metadata']['name']}: {condition.get('message', 'cannot be scheduled')}"
            yield Diagnosis("Unschedulable", message)


def diagnose_pending(pods: Sequence[Manifest], field: str) -> Iterator[Diagnosis]:
    """Everything that keeps these pods from running."""
    for pod in pods:
        status = pod.get("status") or {}
        for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
            yield from diagnose_waiting(pod["metadata"]["name"], container, field)
        yield from diagnose_scheduling(pod)
