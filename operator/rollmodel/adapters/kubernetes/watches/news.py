"""Which changes of a child are news for its owner: those of something that a pass reads.

A Deployment reports six times while its first pod starts, and one of those reports says something that a pass acts on.
What is left out here costs no pass; the next one sees it all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rollmodel.adapters.kubernetes.kinds import GRPC_ROUTES, OPTIONAL
from rollmodel.plan.manifest import Manifest

__all__ = ["is_news", "kept"]

#: What autoscalers and budgets report changes often, and nobody reads it. Of routes it says what is in force.
_STATUS_UNREAD = {kind.kind for kind in OPTIONAL} - {GRPC_ROUTES.kind}
#: Of a Deployment: which of its templates it is at. Ours have one.
_REVISION = "deployment.kubernetes.io/revision"


def kept(obj: Manifest) -> dict[str, Any]:
    """What of an object is kept."""
    parts = {key: value for key, value in obj.items() if key != "status" or obj["kind"] not in _STATUS_UNREAD}
    return {**parts, "metadata": _without(obj["metadata"], "managedFields")}


def is_news(before: Manifest, after: Manifest) -> bool:
    """Whether a newer version of an object, as it is kept, says something new."""
    read = _READ.get(after["kind"])
    return read is None or read(before) != read(after) or _pods(after) < _pods(before)


def _all_but_version(obj: Manifest) -> dict[str, Any]:
    return {**obj, "metadata": _without(obj["metadata"], "resourceVersion", "generation")}


def _of_deployment(obj: Manifest) -> dict[str, Any]:
    """Its spec and names, how many pods are ready, and what it complains about."""
    meta, status = _all_but_version(obj)["metadata"], obj.get("status") or {}
    complaints = [_without(one, "lastUpdateTime") for one in status.get("conditions") or () if _complains(one)]
    meta["annotations"] = _without(meta.get("annotations") or {}, _REVISION)
    return {**obj, "metadata": meta, "status": {"ready": status.get("readyReplicas") or 0, "conditions": complaints}}


def _pods(obj: Manifest) -> int:
    """Pods of a Deployment. That some are gone may be waited for; that more exist is nothing until they are ready."""
    pods: int = (obj.get("status") or {}).get("replicas") or 0
    return pods


def _complains(condition: Mapping[str, Any]) -> bool:
    return (condition["type"], condition["status"]) in {("ReplicaFailure", "True"), ("Progressing", "False")}


def _without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in names}


_READ: Mapping[str, Callable[[Manifest], Any]] = {
    "Deployment": _of_deployment,
    **dict.fromkeys(_STATUS_UNREAD, _all_but_version),
}
