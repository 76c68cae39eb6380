"""A strategic merge (https://kubernetes.io/docs/reference/using-api/patch) of what people lay over a PodTemplateSpec.

Maps are merged, lists of named things by their key, and any other list is replaced. A volume, a variable and a mount
are replaced as a whole, since half of each would be wrong: a volume has one kind, a variable one source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.plan.pods.spec import RESTRICTED

__all__ = ["merged"]

Part = Mapping[str, Any]

#: List -> what its items are called by. Items of these are replaced, not merged.
_WHOLE_ITEMS = {
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "hostAliases": "ip",
}


def merged(template: Part, overlay: Part, *, selector: Mapping[str, str]) -> dict[str, Any]:
    """The PodTemplateSpec with the overlay, which :func:`problems` has nothing against.

    ``selector`` are the labels that pods of the same revision have in common.
    """
    labels, notes = (_metadata(template, overlay, part) for part in ("labels", "annotations"))
    return {
        "metadata": {**template.get("metadata", {}), "labels": labels, "annotations": notes},
        "spec": _spec(template["spec"], overlay.get("spec") or {}, selector),
    }


def _metadata(template: Part, overlay: Part, part: str) -> dict[str, str]:
    """What we set goes before: Services and metrics rest on it."""
    theirs = (overlay.get("metadata") or {}).get(part) or {}
    return {**theirs, **(template.get("metadata", {}).get(part) or {})}


def _spec(base: Part, over: Part, selector: Mapping[str, str]) -> dict[str, Any]:
    spec = _maps(base, {key: value for key, value in over.items() if key not in _OF_PODS})
    for key in ("containers", "initContainers"):
        if over.get(key):
            spec[key] = _containers(base.get(key) or [], over[key])
    if over.get("tolerations"):
        ours = base.get("tolerations") or []
        spec["tolerations"] = [*ours, *(one for one in over["tolerations"] if one not in ours)]
    if over.get("topologySpreadConstraints"):
        of_revision = {"labelSelector": {"matchLabels": dict(selector)}}
        spec["topologySpreadConstraints"] = [{**of_revision, **one} for one in over["topologySpreadConstraints"]]
    return spec


_OF_PODS = {"containers", "initContainers", "tolerations", "topologySpreadConstraints"}


def _containers(ours: Sequence[Part], theirs: Sequence[Part]) -> list[dict[str, Any]]:
    """Ours first, unless they are in the list; another one is as safe as ours where it does not say."""
    known = {one["name"]: one for one in ours}
    named = [_maps(known.get(one["name"], {"securityContext": RESTRICTED}), one) for one in theirs]
    there = {one["name"] for one in named}
    return [*(dict(one) for one in ours if one["name"] not in there), *named] if _keeps_order(ours, theirs) else named


def _keeps_order(ours: Sequence[Part], theirs: Sequence[Part]) -> bool:
    return not {one["name"] for one in ours} <= {one["name"] for one in theirs}


def _maps(base: Part, over: Part) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        before = base.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            result[key] = _maps(before, value)
        elif key in _WHOLE_ITEMS and isinstance(value, list) and isinstance(before, list):
            result[key] = _lists(before, value, _WHOLE_ITEMS[key])
        else:
            result[key] = value
    return result


def _lists(before: Sequence[Part], value: Sequence[Part], key: str) -> list[Part]:
    """Items that are there keep their place."""
    theirs = {one.get(key): one for one in value}
    kept = [theirs.pop(one.get(key), one) for one in before]
    return [*kept, *theirs.values()]
