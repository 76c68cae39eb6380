"""Which objects belong together: the training of a version, what serves it, and the policy that watches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rollmodel.cli.dashboard.live import Live
from rollmodel.cli.dashboard.overview import href
from rollmodel.cli.dashboard.sheets.sheet import Cell

__all__ = ["related"]

Manifest = Mapping[str, Any]


def related(manifest: Manifest, live: Live) -> Sequence[tuple[str, Cell]]:
    """What it is to the other, and the other, of those that can be seen here."""
    find = {"ModelDeployment": _of_model, "TrainingJob": _of_training, "DriftPolicy": _of_policy}
    return list(find[manifest["kind"]](manifest, live))


def _of_model(manifest: Manifest, live: Live) -> Iterator[tuple[str, Cell]]:
    arms = _arms(manifest)
    for training in live.of_kind("TrainingJob"):
        version = _registered(training)
        if version is not None and version[0] == _model(manifest) and version[1] in arms:
            yield f"trained v{version[1]}", _link(training)
    for policy in live.of_kind("DriftPolicy"):
        if _watched(policy) == _place(manifest):
            yield "watched by", _link(policy)


def _of_training(manifest: Manifest, live: Live) -> Iterator[tuple[str, Cell]]:
    registers = ((manifest.get("spec") or {}).get("register") or {}).get("model")
    for model in live.of_kind("ModelDeployment"):
        if registers and _model(model) == registers:
            role = _arms(model).get(_part(manifest, "modelVersion") or "")
            yield (f"its version is {role} in" if role else "its model is served by"), _link(model)
    for policy in live.of_kind("DriftPolicy"):
        namespace, name = _place(manifest)
        started = (one.get("trainingJob") for one in _part(policy, "retrains") or ())
        if policy["metadata"]["namespace"] == namespace and name in started:
            yield "started by", _link(policy)


def _of_policy(manifest: Manifest, live: Live) -> Iterator[tuple[str, Cell]]:
    for model in live.of_kind("ModelDeployment"):
        if _place(model) == _watched(manifest):
            yield "watches", _link(model)
    started = {one.get("trainingJob") for one in _part(manifest, "retrains") or ()}
    for training in live.of_kind("TrainingJob"):
        namespace, name = _place(training)
        if namespace == manifest["metadata"]["namespace"] and name in started:
            yield "started", _link(training)


def _arms(model: Manifest) -> Mapping[str, str]:
    """Version -> role of the revisions that serve."""
    arms = ((role, _part(model, role) or {}) for role in ("candidate", "stable"))
    return {arm["modelVersion"]: role for role, arm in arms if arm.get("modelVersion")}


def _registered(training: Manifest) -> tuple[str, str] | None:
    model, version = ((training.get("spec") or {}).get("register") or {}).get("model"), _part(training, "modelVersion")
    return (str(model), str(version)) if model and version else None


def _model(model: Manifest) -> str | None:
    source = (model.get("spec") or {}).get("model") or {}
    return (source.get("registry") or {}).get("name")


def _watched(policy: Manifest) -> tuple[str, str]:
    return policy["metadata"]["namespace"], policy["spec"]["modelDeploymentRef"]["name"]


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _part(manifest: Manifest, name: str) -> Any:
    return (manifest.get("status") or {}).get(name)


def _link(manifest: Manifest) -> Cell:
    namespace, name = _place(manifest)
    return Cell(f"{manifest['kind']} {namespace}/{name}", href=href(manifest))
