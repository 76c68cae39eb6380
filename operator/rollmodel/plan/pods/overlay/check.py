"""What an overlay may say about pods: not what the operator owns, and nothing that Pod Security "restricted" forbids.

Whoever may write a ModelDeployment may not therefore make privileged pods, and what is verified stays verified: the
files of the model are read-only for everybody but the container that fetches them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rollmodel.plan.pods.overlay.security import container_problems, pod_problems
from rollmodel.plan.pods.overlay.volumes import mount_problems, volume_problems

__all__ = ["problems"]

Part = Mapping[str, Any]

_TIMINGS = {"initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"}
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_OF_OURS = {"env", "imagePullPolicy", "name", "resources"}
_OF_MODEL = {*_OF_OURS, *_PROBES, "envFrom", "securityContext", "volumeDevices", "volumeMounts"}

#: What people look for in the container `model`, and where it is.
_ELSEWHERE = {
    "image": "`runtime.image`",
    "command": "`runtime.command`",
    "args": "`runtime.args`",
    "ports": "`runtime.port`",
}


def problems(template: Part, overlay: Part, *, main: str, owned: Collection[str]) -> Iterator[str]:
    """Everything that must not be so, each with its path and what is allowed.

    ``template`` is ours, ``main`` its container that serves; ``owned`` are its volumes that hold verified files.
    """
    ours, theirs = template["spec"], overlay.get("spec") or {}
    yield from pod_problems("spec.securityContext", theirs.get("securityContext") or {})
    least = ours.get("terminationGracePeriodSeconds", 0)
    if theirs.get("terminationGracePeriodSeconds", least) < least:
        yield f"spec.terminationGracePeriodSeconds: must be at least {least}, which requests that have begun may take"
    yield from volume_problems("spec.volumes", theirs.get("volumes") or (), ours.get("volumes") or ())
    for key, other in (("initContainers", "containers"), ("containers", "initContainers")):
        known = {one["name"]: one for one in ours.get(key) or ()}
        taken = {one["name"] for one in ours.get(other) or ()}
        for one in theirs.get(key) or ():
            path = f"spec.{key}[{one['name']}]"
            if one["name"] in taken:
                yield f"{path}: is the name of a container in `{other}`; take another name"
            elif one["name"] in known:
                yield from _ours(path, known[one["name"]], one, main=main, owned=owned)
            else:
                yield from _another(path, one, ours, owned)


def _ours(path: str, known: Part, one: Part, *, main: str, owned: Collection[str]) -> Iterator[str]:
    allowed = _OF_MODEL if one["name"] == main else _OF_OURS
    for field in sorted(one.keys() - allowed):
        there = _ELSEWHERE.get(field) if one["name"] == main else None
        names = ", ".join(sorted(allowed - {"name"}))
        yield f"{path}.{field}: is set by the operator; " + (f"use {there}" if there else f"allowed are {names}")
    yield from _variables(path, one, {} if one["name"] == main else known)
    yield from container_problems(f"{path}.securityContext", one.get("securityContext") or {})
    yield from mount_problems(f"{path}.volumeMounts", one.get("volumeMounts") or (), owned, _mounts(known, owned))
    for probe in _PROBES:
        for field in sorted((one.get(probe) or {}).keys() - _TIMINGS):
            where = " (the path is `runtime.readinessPath`)" if probe == "readinessProbe" else ""
            yield f"{path}.{probe}.{field}: is set by the operator{where}; allowed are {', '.join(sorted(_TIMINGS))}"


def _another(path: str, one: Part, ours: Part, owned: Collection[str]) -> Iterator[str]:
    if not one.get("image"):
        yield f"{path}.image: must be set"
    yield from _variables(path, one, {})
    yield from container_problems(f"{path}.securityContext", one.get("securityContext") or {})
    yield from mount_problems(f"{path}.volumeMounts", one.get("volumeMounts") or (), owned, ())
    taken = [port for container in ours["containers"] for port in container.get("ports") or ()]
    for port in one.get("ports") or ():
        if port.get("hostPort"):
            yield f"{path}.ports: must not have `hostPort`, which Pod Security forbids"
        if any(port.get(key) == mine.get(key) for mine in taken for key in ("name", "containerPort") if key in mine):
            names = ", ".join(f"{mine['name']} ({mine['containerPort']})" for mine in taken)
            yield f"{path}.ports: must not take a name or number of the model server: {names}"


def _variables(path: str, one: Part, known: Part) -> Iterator[str]:
    taken = {variable["name"] for variable in known.get("env") or ()}
    for variable in one.get("env") or ():
        name = str(variable.get("name", ""))
        if name.startswith("ROLLMODEL_") or name in taken:
            yield f"{path}.env[{name}]: is set by the operator"


def _mounts(known: Part, owned: Collection[str]) -> Sequence[str]:
    """Where the files of the model lie in a container of ours."""
    return [mount["mountPath"] for mount in known.get("volumeMounts") or () if mount["name"] in owned]
