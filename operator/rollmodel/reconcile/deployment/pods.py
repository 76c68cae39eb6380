"""Pods of revisions that are short of ready ones: they tell why. Others are not asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rollmodel.plan import naming
from rollmodel.plan.access.ownership import controller_of
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.times import parse
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock

__all__ = ["RevisionPods", "of_revisions", "short_of_ready"]


class RevisionPods:
    """Asks for pods once a revision had ``starting`` seconds to become ready: most do in that time."""

    def __init__(self, kube: Kube, clock: Clock, *, starting: float) -> None:
        self._kube = kube
        self._clock = clock
        self._starting = starting

    async def list(self, namespace: str, name: str, children: Sequence[Manifest]) -> Sequence[dict[str, Any]]:
        """Pods of all revisions of this object, once one of them is late: they are compared. Else none."""
        now = self._clock.now()
        if not any(_is_late(child, now, self._starting) for child in short_of_ready(children)):
            return []
        deployments = of_revisions(children)
        pods = await self._kube.list_pods(namespace, naming.owner_selector(name))
        return [pod for pod in pods if any(_runs(deployment, pod) for deployment in deployments)]


def short_of_ready(children: Sequence[Manifest]) -> list[Manifest]:
    """Deployments some of whose pods are not ready."""
    return [child for child in of_revisions(children) if not _all_ready(child)]


def of_revisions(children: Sequence[Manifest]) -> list[Manifest]:
    """Deployments that serve the model; the holding page does not."""
    return [child for child in children if child["kind"] == "Deployment" and _revision(child) is not None]


def _all_ready(deployment: Manifest) -> bool:
    wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status", {})
    current = status.get("observedGeneration") == deployment["metadata"].get("generation")
    return bool(current and wanted == status.get("readyReplicas", 0) == status.get("replicas", 0))


def _is_late(deployment: Manifest, now: datetime, starting: float) -> bool:
    """Whether its pods had time to start. Most start within it, and cost no request; nor do those that nobody made yet.

    A failure that the Deployment itself tells of is looked into at once; so is a time in the future: clocks differ.
    """
    status = deployment.get("status", {})
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    progressing = conditions.get("Progressing", {})
    if "ReplicaFailure" in conditions or progressing.get("status") == "False":
        return True
    if not status.get("replicas"):
        return False
    moved = progressing.get("lastUpdateTime") or deployment["metadata"].get("creationTimestamp")
    waited = (now - parse(moved)).total_seconds() if moved else starting
    return not 0.0 <= waited < starting


def _revision(obj: Manifest) -> str | None:
    label: str | None = obj["metadata"].get("labels", {}).get(naming.REVISION)
    return label


def _runs(deployment: Manifest, pod: Manifest) -> bool:
    """Whether a pod is one of this Deployment's: its controller is a ReplicaSet of that, by name.

    Labels are not enough: whoever may create pods could speak for a revision. A pod that names a ReplicaSet which is
    not there is deleted by the garbage collector, and one that names ours is counted by it, and soon one too many.
    """
    controller, labels = controller_of(pod), pod["metadata"].get("labels", {})
    name = f"{deployment['metadata']['name']}-{labels.get('pod-template-hash', '')}"
    own = controller is not None and (controller.group, controller.kind, controller.name) == (
        "apps",
        "ReplicaSet",
        name,
    )
    return own and _revision(pod) == _revision(deployment)
