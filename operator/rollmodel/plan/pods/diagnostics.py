"""Why a pod does not run yet, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollmodel.plan.manifest import Manifest
from rollmodel.plan.pods.refusals import with_remedy
from rollmodel.plan.times import seconds_since

__all__ = ["Diagnosis", "diagnose_mounting", "diagnose_pending", "diagnose_scheduling", "diagnose_waiting"]

#: A pod that has its node mounts its volumes within seconds.
_MOUNT_SECONDS = 20.0
_REFERENCES = (
    ("secret", "secretName", "Secret"),
    ("secret", "name", "Secret"),
    ("configMap", "name", "ConfigMap"),
    ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim"),
)
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


def diagnose_mounting(pod: Manifest, now: datetime) -> Iterator[Diagnosis]:
    """Why no container of a pod that has its node begins, though time has passed.

    The kubelet mounts volumes first, and tells what is missing in Events alone; but the pod says that it waits, with a
    condition that Kubernetes has from 1.29 on. Images are pulled after that.
    """
    status = pod.get("status") or {}
    found = {one["type"]: one for one in status.get("conditions") or ()}
    placed, waits = found.get("PodScheduled", {}), found.get("PodReadyToStartContainers", {})
    if (status.get("phase"), placed.get("status"), waits.get("status")) != ("Pending", "True", "False"):
        return
    if seconds_since(placed.get("lastTransitionTime"), now) < _MOUNT_SECONDS:
        return
    needed = [word for volume in (pod.get("spec") or {}).get("volumes") or () for word in _needs(volume)]
    there = f": is there a {', a '.join(needed)}?" if needed else ", and `kubectl describe pod` says why"
    name = pod["metadata"]["name"]
    yield Diagnosis("VolumesNotMounted", f"pod {name} has a node, but its volumes are not mounted{there}")


def _needs(volume: Manifest) -> Iterator[str]:
    """What a volume, or a source of a projected one, refers to, in words."""
    for field, key, kind in _REFERENCES:
        source = volume.get(field) or {}
        if key in source and not source.get("optional"):
            yield f"{kind} {source[key]}"
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from _needs(source)


def diagnose_pending(pods: Sequence[Manifest], field: str) -> Iterator[Diagnosis]:
    """Everything that keeps these pods from running."""
    for pod in pods:
        status = pod.get("status") or {}
        for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
            yield from diagnose_waiting(pod["metadata"]["name"], container, field)
        yield from diagnose_scheduling(pod)
