"""What is held of objects that others write, while a list of them is read: one may be large, and there may be many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.plan.manifest import Manifest

__all__ = ["of_pod", "of_route"]

#: What is held of metadata that others write: no annotations, and not who wrote which field.
_METADATA = ("name", "namespace", "uid", "labels", "ownerReferences", "creationTimestamp", "deletionTimestamp")

#: Volumes of which a pod says by name what it waits for, and how it names it.
_SOURCES = ("secret", "configMap", "persistentVolumeClaim")
_REFERENCE = ("secretName", "name", "claimName", "optional")


def of_pod(pod: Manifest) -> dict[str, Any]:
    """What is read of a pod: how it does, whose it is, and which volumes it waits for; the rest may be large."""
    volumes = [_of_volume(one) for one in (pod.get("spec") or {}).get("volumes") or ()]
    spec = {"spec": {"volumes": volumes}} if volumes else {}
    return {"metadata": _only(pod["metadata"], *_METADATA), **spec, **_only(pod, "status")}


def of_route(route: Manifest) -> dict[str, Any]:
    """What is read of a route of others: where it is, and who serves it."""
    spec, status = route.get("spec") or {}, route.get("status") or {}
    rules = [{"matches": rule.get("matches") or []} for rule in spec.get("rules") or ()]
    parents = [_of_parent(one) for one in status.get("parents") or ()]
    return {
        "metadata": _only(route["metadata"], "name", "namespace", "creationTimestamp"),
        "spec": {**_only(spec, "parentRefs", "hostnames"), "rules": rules},
        "status": {"parents": parents},
    }


def _of_volume(volume: Mapping[str, Any]) -> dict[str, Any]:
    """What a volume, or a source of a projected one, refers to."""
    kept = {kind: _only(volume[kind], *_REFERENCE) for kind in _SOURCES if volume.get(kind)}
    if (projected := volume.get("projected")) is not None:
        kept["projected"] = {"sources": [_of_volume(one) for one in projected.get("sources") or ()]}
    return kept


def _of_parent(answer: Mapping[str, Any]) -> dict[str, Any]:
    conditions = [_only(one, "type", "status") for one in answer.get("conditions") or ()]
    return {**_only(answer, "parentRef"), "conditions": conditions}


def _only(found: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}
