"""What the result of a run depends on, as one hash: two runs with the same hash are reruns of each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rollmodel.api.trainingjob import InputStatus, Reproducibility, TrainingJobSpec
from rollmodel.plan.canonical import canonical_hash

__all__ = ["TRAIN_CONTAINER", "image_digest", "reproducibility", "spec_hash"]

TRAIN_CONTAINER = "train"

_PINNED = re.compile(r".*@(sha256:[0-9a-f]{64})")


def spec_hash(spec: TrainingJobSpec) -> str:
    """Hash of the whole spec. Fields at their default do not take part, so a field that is added changes no hash."""
    return canonical_hash(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def image_digest(spec: TrainingJobSpec, pods: Sequence[Mapping[str, Any]]) -> str | None:
    """Digest of the image that trains: as the spec pins it, else as the container runtime reports it."""
    return _digest_of(spec.template.image) or next(
        (
            digest
            for pod in pods
            for container in (pod.get("status") or {}).get("containerStatuses") or ()
            if container.get("name") == TRAIN_CONTAINER and (digest := _digest_of(container.get("imageID")))
        ),
        None,
    )


def reproducibility(
    spec: TrainingJobSpec, inputs: Sequence[InputStatus], digest: str | None, rerun_of: str | None
) -> Reproducibility:
    """The record of what the run depends on, as far as it is known."""
    parameters = {parameter.name: parameter.value for parameter in spec.parameters or ()}
    read = [{"name": entry.name, "version": entry.version, "digest": entry.digest} for entry in inputs]
    subject = {
        "image": digest or spec.template.image,
        "command": spec.template.command,
        "args": spec.template.args,
        "inputs": read,
        "parameters": parameters,
        "seed": spec.seed,
        "nodes": spec.nodes,
        **({"dataWindow": spec.data_window.to_wire()} if spec.data_window is not None else {}),
    }
    return Reproducibility(
        hash=canonical_hash(subject),
        image_digest=digest,
        git_commit=spec.source.revision if spec.source else None,
        seed=spec.seed,
        parameters_hash=canonical_hash(parameters) if parameters else None,
        inputs_digest=canonical_hash(read) if read else None,
        rerun_of=rerun_of,
    )


def _digest_of(reference: object) -> str | None:
    """The digest in ``name@sha256:..`` or ``docker-pullable://name@sha256:..``; a bare image id is no digest."""
    match = _PINNED.fullmatch(reference) if isinstance(reference, str) else None
    return match[1] if match else None
