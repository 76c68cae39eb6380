"""The pod of a revision: fetch the model and verify it, then serve it. Satisfies Pod Security "restricted"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.modeldeployment import ModelDeploymentSpec, Runtime
from rollmodel.errors import Invalid
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.pod.fetching import (
    MODEL,
    MODELS,
    fetch_container,
    fetch_volumes,
    model_mount,
    written_volumes,
)
from rollmodel.plan.deployment.objects.pod.pairs_variable import pairs_environment
from rollmodel.plan.deployment.objects.pod.prediction_log import log_environment, log_mounts, log_volumes
from rollmodel.plan.deployment.observed import Defaults, PinnedModel
from rollmodel.plan.deployment.runtimes import PRESETS
from rollmodel.plan.deployment.runtimes.preset import Preset
from rollmodel.plan.pods.overlay import lay_over
from rollmodel.plan.pods.spec import POD_SECURITY, RESTRICTED, placement

__all__ = ["GRPC", "MODEL_CONTAINER", "grpc_port_of", "pod_template"]

MODEL_CONTAINER = "model"
GRPC = "grpc"
"""Name of the port on which a server speaks gRPC."""

_REQUEST_SECONDS = 60
_UNLIST_SECONDS = 10
"""How long a pod still answers after it began to terminate, until every gateway has taken it off its list."""


def pod_template(
    owner: str, revision: str, asked: ModelDeploymentSpec, model: PinnedModel, defaults: Defaults
) -> dict[str, Any]:
    """The finished PodTemplateSpec of a revision; ``runtime.image`` must be set where the preset has no image.

    It is as patient as the spec was when the revision was made: with the start of a server as ``deadlineSeconds`` says,
    with its last requests as ``requestTimeoutSeconds``. Raises Invalid where ``runtime.podTemplate`` asks
    for what it must not have.
    """
    runtime, preset = asked.runtime, PRESETS[asked.runtime.preset]
    start_seconds = max(preset.start_seconds, asked.rollout.deadline_seconds)
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _request_seconds(asked) + _UNLIST_SECONDS + 5,
        "securityContext": {**POD_SECURITY, **(runtime.security_context.to_wire() if runtime.security_context else {})},
        "initContainers": [fetch_container(asked, model, defaults)],
        "containers": [_serve(owner, asked, preset, model, defaults, start_seconds=start_seconds, revision=revision)],
        "volumes": [*fetch_volumes(asked, model), *_volumes(preset), *log_volumes(runtime.prediction_log)],
        "topologySpreadConstraints": [
            _spread(naming.revision_selector(owner, revision), key)
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
        ],
    }
    metadata = _metadata(owner, revision, runtime, preset, model)
    return _with_overlay({"metadata": metadata, "spec": {**spec, **placement(runtime)}}, owner, revision, asked)


def _with_overlay(template: dict[str, Any], owner: str, revision: str, asked: ModelDeploymentSpec) -> dict[str, Any]:
    overlay = asked.runtime.pod_template
    if overlay is None:
        return template
    return lay_over(
        template,
        overlay.to_wire(),
        field="runtime.podTemplate",
        main=MODEL_CONTAINER,
        owned=written_volumes(asked),
        selector=naming.revision_selector(owner, revision),
    )


def _request_seconds(asked: ModelDeploymentSpec) -> int:
    """How long a request that has begun may go on in a pod that is to end."""
    return max(_REQUEST_SECONDS, (asked.traffic.request_timeout_seconds or 0) if asked.traffic else 0)


def _metadata(owner: str, revision: str, runtime: Runtime, preset: Preset, model: PinnedModel) -> dict[str, Any]:
    annotations = {
        **(runtime.annotations or {}),
        f"{GROUP}/model-digest": model.digest,
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(preset.metrics_port or _port(runtime, preset)),
        "prometheus.io/path": "/metrics",
    }
    if model.version:
        annotations[f"{GROUP}/model-version"] = model.version
    ours = {"app.kubernetes.io/name": naming.label_value(owner), **naming.revision_selector(owner, revision)}
    return {"labels": {**(runtime.labels or {}), **ours}, "annotations": annotations}


def _serve(
    owner: str,
    asked: ModelDeploymentSpec,
    preset: Preset,
    model: PinnedModel,
    defaults: Defaults,
    *,
    start_seconds: int,
    revision: str,
) -> dict[str, Any]:
    runtime = asked.runtime
    log, workers, port = runtime.prediction_log, runtime.workers or 1, _port(runtime, preset)
    more = [*log_environment(log, owner, revision, workers), *pairs_environment(asked, owner, revision, port)]
    words = {
        "model": MODEL,
        "models": MODELS,
        "name": owner,
        "port": str(port),
        "grpc_port": str(_grpc_port(runtime, preset)),
        "workers": str(workers),
    }
    return {
        "name": MODEL_CONTAINER,
        "image": runtime.image or defaults.server_image,
        **_command_line(runtime, preset, words),
        **({"resources": runtime.resources.to_wire()} if runtime.resources else {}),
        "ports": _ports(runtime, preset),
        "env": _environment(runtime, preset, words, more),
        **_probes(runtime, preset, words, start_seconds),
        "lifecycle": {"preStop": {"sleep": {"seconds": _UNLIST_SECONDS}}},
        "securityContext": _security(runtime, preset),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [*_mounts(preset, model), *log_mounts(log)],
    }


def _security(runtime: Runtime, preset: Preset) -> dict[str, Any]:
    """As "restricted" asks; the user that the preset's image works with, unless the spec names one."""
    own_user = runtime.security_context is not None and runtime.security_context.run_as_user is not None
    return {
        **RESTRICTED,
        **({"readOnlyRootFilesystem": True} if preset.read_only_root else {}),
        **({"runAsUser": preset.run_as_user} if preset.run_as_user is not None and not own_user else {}),
    }


def _command_line(runtime: Runtime, preset: Preset, words: dict[str, str]) -> dict[str, list[str]]:
    """The preset's, unless the user wrote one: a command of the user's own comes without the preset's arguments."""
    own = runtime.command is not None
    command = list(runtime.command or ()) if own else _formatted(preset.command, words)
    args = list(runtime.args or ()) if own or runtime.args is not None else _formatted(preset.args, words)
    return {key: words for key, words in (("command", command), ("args", args)) if words}


def _environment(
    runtime: Runtime, preset: Preset, words: dict[str, str], more: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The preset's variables and ``more``, then the user's; a user's variable replaces ours of the same name."""
    preset_variables = {"HOME": "/tmp", **{name: text.format(**words) for name, text in preset.env.items()}}  # noqa: S108
    variables = {name: {"name": name, "value": value} for name, value in preset_variables.items()}
    variables |= {variable["name"]: variable for variable in more}
    variables |= {variable.name: variable.to_wire() for variable in runtime.env or ()}
    return list(variables.values())


def _probes(runtime: Runtime, preset: Preset, words: dict[str, str], start_seconds: int) -> dict[str, Any]:
    """Startup gives loading its time, readiness asks for a real answer, liveness only whether the process lives."""
    ready = _is_ready(runtime, preset, words)
    period = 2
    probes = {
        "startupProbe": _probe(ready, periodSeconds=period, failureThreshold=start_seconds // period),
        "readinessProbe": _probe(ready, periodSeconds=5, failureThreshold=2),
    }
    if preset.live_path:
        lives = _answers(preset.live_path.format(**words))
        probes["livenessProbe"] = _probe(lives, periodSeconds=10, failureThreshold=3)
    return probes


def _is_ready(runtime: Runtime, preset: Preset, words: dict[str, str]) -> dict[str, Any]:
    """By HTTP; a server of which only the port of gRPC is known is asked there (``grpc.health.v1``)."""
    if runtime.grpc_port is not None and preset.grpc_port is None and runtime.readiness_path is None:
        return {"grpc": {"port": runtime.grpc_port}}
    return _answers(runtime.readiness_path or preset.ready_path.format(**words))


def _answers(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "http"}}


def _probe(question: dict[str, Any], **timing: int) -> dict[str, Any]:
    return {**question, "timeoutSeconds": 5, **timing}


def _port(runtime: Runtime, preset: Preset) -> int:
    return runtime.port or preset.port


def _grpc_port(runtime: Runtime, preset: Preset) -> int | None:
    return runtime.grpc_port or preset.grpc_port


def _ports(runtime: Runtime, preset: Preset) -> list[dict[str, Any]]:
    named = {"http": _port(runtime, preset), GRPC: _grpc_port(runtime, preset), "metrics": preset.metrics_port}
    numbers = [number for number in named.values() if number is not None]
    if named[GRPC] is not None and len(set(numbers)) < len(numbers):
        raise Invalid(f"`runtime.grpcPort` {named[GRPC]} is another port of the server, too", reason="InvalidSpec")
    return [
        {"name": name, "containerPort": number, "protocol": "TCP"}
        for name, number in named.items()
        if number is not None
    ]


def grpc_port_of(template: Mapping[str, Any], preset: Preset) -> int | None:
    """Where pods of a template speak gRPC; templates of earlier releases do not name it, and have the preset's."""
    ports = (port for container in template["spec"]["containers"] for port in container.get("ports") or ())
    named = (port["containerPort"] for port in ports if port.get("name") == GRPC)
    return next(named, preset.grpc_port)


def _mounts(preset: Preset, model: PinnedModel) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [model_mount(model), {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    return [*mounts, {"name": "shared-memory", "mountPath": "/dev/shm"}] if preset.shared_memory else mounts  # noqa: S108


def _volumes(preset: Preset) -> list[dict[str, Any]]:
    shared: dict[str, Any] = {"name": "shared-memory", "emptyDir": {"medium": "Memory"}}
    return [shared] if preset.shared_memory else []


def _spread(selector: dict[str, str], topology: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector},
    }


def _formatted(parts: Sequence[str], words: dict[str, str]) -> list[str]:
    return [part.format(**words) for part in parts]
