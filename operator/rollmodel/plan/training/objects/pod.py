"""The pod of an attempt: fetch the inputs and verify them, check the data, train. Pod Security "restricted"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rollmodel.api.pods import EnvVar
from rollmodel.api.trainingjob import TrainingInput, TrainingJobSpec, TrainingTemplate
from rollmodel.plan import naming
from rollmodel.plan.pods.spec import (
    IN_MLFLOW,
    POD_SECURITY,
    RESTRICTED,
    fetch_environment,
    fetch_resources,
    literal,
    placement,
    store_environment,
)
from rollmodel.plan.training.inputs.pins import CONTAINER_PREFIX, FOLDER, claim_of, in_place, is_read, pinned
from rollmodel.plan.training.inputs.reproducibility import TRAIN_CONTAINER
from rollmodel.plan.training.objects.environment import environment
from rollmodel.plan.training.objects.spot import SPOT_TOLERATIONS, spot_affinity
from rollmodel.plan.training.observed import Observed

__all__ = ["VALIDATE_CONTAINER", "pod_template"]

VALIDATE_CONTAINER = "validate-data"

_CLAIM = "/mnt/claim"
_GROUP_ID = 65532
"""Group of claims that are written to, so that a user without privileges can."""

_TMP = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108

Part = dict[str, Any]


def pod_template(observed: Observed, attempt: int, *, run_id: str, experiment_id: str) -> Part:
    """The PodTemplateSpec of one attempt."""
    spec = observed.spec

    def variables(own: Sequence[EnvVar] | None) -> list[Part]:
        return environment(observed, attempt, run_id=run_id, experiment_id=experiment_id, own=own)

    first = [_fetch(observed, source) for source in spec.inputs or () if is_read(source)]
    pod: Part = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": spec.template.service_account_token is not None,
        "enableServiceLinks": False,
        "securityContext": _security(spec),
        "initContainers": [*first, *_validate(spec, variables)],
        "containers": [_train(spec, variables(spec.template.env))],
        "volumes": list(_volumes(spec)),
        "affinity": spot_affinity(spec.spot),
        **_placement(spec),
    }
    if spec.nodes > 1:
        pod["subdomain"] = naming.job(observed.name, attempt)
    labels = {
        **(spec.template.labels or {}),
        "app.kubernetes.io/name": naming.label_value(observed.name),
        **naming.attempt_selector(observed.name, attempt),
    }
    notes = {"annotations": dict(spec.template.annotations)} if spec.template.annotations else {}
    return {"metadata": {"labels": labels, **notes}, "spec": pod}


def _security(spec: TrainingJobSpec) -> Part:
    own = spec.template.security_context
    group = {"fsGroup": _GROUP_ID} if _writes_claims(spec) else {}
    return {**POD_SECURITY, **group, **(own.to_wire() if own else {})}


def _placement(spec: TrainingJobSpec) -> Part:
    placed = placement(spec.template)
    if spec.spot != "Never":
        placed["tolerations"] = [*placed.get("tolerations", ()), *SPOT_TOLERATIONS]
    return placed


def _fetch(observed: Observed, source: TrainingInput) -> Part:
    entry, resources = pinned(source, observed.status.inputs), observed.spec.template.resources
    arguments = ["input", "--name", source.name, "--uri", literal(entry.uri)]
    for option, value in (("--version", entry.version), ("--digest", entry.digest)):
        arguments += [option, value] if value else []
    mounts: list[Part] = []
    if claim_of(source):
        mounts.append({"name": f"claim-{source.name}", "mountPath": _CLAIM, "readOnly": True})
        arguments += ["--mounted", _CLAIM]
    if not in_place(source):
        mounts.append({"name": "inputs", "mountPath": FOLDER})
        arguments += ["--dest", f"{FOLDER}/{source.name}"]
    return {
        "name": f"{CONTAINER_PREFIX}{source.name}",
        "image": observed.defaults.operator_image,
        "command": ["rollmodel"],
        "args": arguments,
        **_credentials(observed, source),
        "resources": fetch_resources(resources.limits if resources else None),
        "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [*mounts, _TMP],
    }


def _credentials(observed: Observed, source: TrainingInput) -> Part:
    """The keys of the input's own Secret; for what lies in MLflow and has none, the tracking connection."""
    if source.connection_ref is not None:
        return store_environment(source.uri, source.connection_ref.name)
    if not source.uri.startswith(IN_MLFLOW):
        return {}
    tracking = observed.spec.tracking.connection_ref
    defaults = observed.defaults
    secret = tracking.name if tracking else None
    ours = (defaults.registry_url, defaults.registry_ca, defaults.registry_workspace)
    return fetch_environment(source.uri, secret, *ours)


def _validate(spec: TrainingJobSpec, variables: Any) -> Iterator[Part]:
    check = spec.data_validation
    if check is not None:
        yield {
            "name": VALIDATE_CONTAINER,
            "image": check.image or spec.template.image,
            **_command_line(check.command, check.args),
            **({"resources": check.resources.to_wire()} if check.resources else {}),
            **_user_container(spec, variables(check.env)),
        }


def _train(spec: TrainingJobSpec, variables: list[Part]) -> Part:
    template = spec.template
    return {
        "name": TRAIN_CONTAINER,
        "image": template.image,
        **_command_line(template.command, template.args),
        **({"resources": template.resources.to_wire()} if template.resources else {}),
        **_user_container(spec, variables),
    }


def _user_container(spec: TrainingJobSpec, variables: list[Part]) -> Part:
    return {
        "env": variables,
        "securityContext": RESTRICTED,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": list(_mounts(spec)),
    }


def _command_line(command: Sequence[str] | None, args: Sequence[str] | None) -> Part:
    return {key: list(words) for key, words in (("command", command), ("args", args)) if words is not None}


def _mounts(spec: TrainingJobSpec) -> Iterator[Part]:
    yield _TMP
    for source in spec.inputs or ():
        folder = f"{FOLDER}/{source.name}"
        if in_place(source):
            yield {"name": f"claim-{source.name}", "mountPath": folder, "readOnly": True, **_sub_path(source)}
        elif is_read(source):
            yield {"name": "inputs", "mountPath": folder, "subPath": source.name, "readOnly": True}
    for volume in spec.template.volumes or ():
        read_only = {"readOnly": True} if volume.access == "ReadOnly" else {}
        yield {"name": f"volume-{volume.name}", "mountPath": volume.mount_path, **read_only}
    if spec.checkpoint and spec.checkpoint.claim_name:
        yield {"name": "checkpoint", "mountPath": spec.checkpoint.mount_path}
    if spec.template.shared_memory:
        yield {"name": "shared-memory", "mountPath": "/dev/shm"}  # noqa: S108


def _volumes(spec: TrainingJobSpec) -> Iterator[Part]:
    yield {"name": "tmp", "emptyDir": {}}
    if any(is_read(source) and not in_place(source) for source in spec.inputs or ()):
        yield {"name": "inputs", "emptyDir": {}}
    for source in spec.inputs or ():
        if claim := claim_of(source):
            yield _claim(f"claim-{source.name}", claim[0])
    yield from (_claim(f"volume-{volume.name}", volume.claim_name) for volume in spec.template.volumes or ())
    if spec.checkpoint and spec.checkpoint.claim_name:
        yield _claim("checkpoint", spec.checkpoint.claim_name)
    yield from _shared_memory(spec.template)


def _shared_memory(template: TrainingTemplate) -> Iterator[Part]:
    if template.shared_memory:
        memory = {"medium": "Memory", "sizeLimit": template.shared_memory}
        yield {"name": "shared-memory", "emptyDir": memory}


def _claim(name: str, claim: str) -> Part:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}


def _sub_path(source: TrainingInput) -> Part:
    claim = claim_of(source)
    return {"subPath": claim[1]} if claim and claim[1] else {}


def _writes_claims(spec: TrainingJobSpec) -> bool:
    build_status = any(volume.access == "ReadWrite" for volume in spec.template.volumes or ())
    return build_status or bool(spec.checkpoint and spec.checkpoint.claim_name)
