"""Pods of other tools: the container of the model becomes ``runtime``, the rest goes into ``runtime.podTemplate``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rollmodel.cli.translate.draft import Draft

__all__ = ["container", "pod"]

Path = Sequence[str | int]

_OF_POD = {
    "serviceAccountName": "serviceAccountName",
    "imagePullSecrets": "imagePullSecrets",
    "nodeSelector": "nodeSelector",
    "tolerations": "tolerations",
    "priorityClassName": "priorityClassName",
    "runtimeClassName": "runtimeClassName",
}
_OVERLAID = (
    "affinity",
    "dnsConfig",
    "dnsPolicy",
    "hostAliases",
    "initContainers",
    "schedulerName",
    "topologySpreadConstraints",
    "volumes",
)
_OF_CONTAINER = ("image", "command", "args", "resources")


def pod(draft: Draft, path: Path, *, name: str | None = None) -> None:
    """A PodTemplateSpec. ``name``: of the container with the model; without it the first."""
    spec = (*path, "spec")
    containers = draft.source.look(*spec, "containers") or []
    chosen = next((index for index, one in enumerate(containers) if one.get("name") == name), 0)
    if containers:
        container(draft, (*spec, "containers", chosen))
    for source, target in _OF_POD.items():
        draft.move((*spec, source), "runtime", target)
    for part in _OVERLAID:
        draft.move((*spec, part), "runtime", "podTemplate", "spec", part)
    grace = "pods get as long as requests that have begun may take; longer: `runtime.podTemplate`"
    draft.kept((*spec, "terminationGracePeriodSeconds"), grace)
    user = draft.source.look(*spec, "securityContext") or {}
    known = {key: user[key] for key in ("runAsUser", "runAsGroup", "fsGroup", "supplementalGroups") if key in user}
    for key in known:
        draft.source.take(*spec, "securityContext", key)
    draft.put(known, "runtime", "securityContext")
    sidecars = [draft.source.take(*spec, "containers", index) for index in range(len(containers)) if index != chosen]
    if sidecars:
        draft.spec["runtime"].setdefault("podTemplate", {}).setdefault("spec", {})["containers"] = sidecars
    draft.move((*path, "metadata", "annotations"), "runtime", "podTemplate", "metadata", "annotations")
    draft.kept((*path, "metadata", "labels"), "pods have labels of ours, which the Service of the revision selects by")


def container(draft: Draft, path: Path) -> None:
    """The container with the model, as the preset `Custom`."""
    draft.spec.setdefault("runtime", {}).setdefault("preset", "Custom")
    draft.source.take(*path, "name")
    for part in _OF_CONTAINER:
        draft.move((*path, part), "runtime", part)
    environment(draft, (*path, "env"))
    ports = draft.source.look(*path, "ports") or []
    if ports:
        draft.source.take(*path, "ports", 0)
        draft.put(ports[0].get("containerPort"), "runtime", "port")
    probe = draft.source.look(*path, "readinessProbe", "httpGet", "path")
    if probe:
        draft.put(probe, "runtime", "readinessPath")
        draft.kept((*path, "readinessProbe"), "only its path is kept; timings: `runtime.podTemplate`")
    draft.kept((*path, "livenessProbe"), "the preset has one; timings: `runtime.podTemplate`")
    draft.kept((*path, "imagePullPolicy"), "Kubernetes' default; pin the image by digest")
    mounts = draft.source.take(*path, "volumeMounts")
    if mounts:
        overlay = draft.spec["runtime"].setdefault("podTemplate", {}).setdefault("spec", {})
        overlay["containers"] = [{"name": "model", "volumeMounts": mounts}]


def environment(draft: Draft, path: Path) -> None:
    """Variables of a container."""
    values: list[dict[str, Any]] = draft.source.take(*path) or []
    draft.put(
        [one if "valueFrom" in one else {"name": one.get("name"), "value": one.get("value", "")} for one in values],
        "runtime",
        "env",
    )
