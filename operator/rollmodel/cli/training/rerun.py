"""A TrainingJob that does again what another one did: same spec, with everything pinned that was found out then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from rollmodel.api.base import GROUP
from rollmodel.api.trainingjob import InputStatus, TrainingInput, TrainingJobSpec, TrainingJobStatus
from rollmodel.cli.common.printing.rows import spec_of, status_of
from rollmodel.errors import Invalid
from rollmodel.plan.training.names import experiment

__all__ = ["VERIFIES", "next_name", "rerun_of", "trained"]

#: Annotation of a rerun: the TrainingJob that it verifies; tag of its run: the run of that one.
VERIFIES = f"{GROUP}/verifies"

#: What a rerun does not do: register, ask gates, wait for a date or for a person.
_LEFT_OUT = ("register", "gates", "schedule", "suspend")


def trained(manifest: Mapping[str, Any], status: TrainingJobStatus) -> None:
    """Raise Invalid unless this is a run whose training has ended well, whatever its gates said."""
    name = manifest["metadata"]["name"]
    if spec_of(manifest).schedule is not None:
        raise Invalid(f"{name} is a schedule: name one of its runs (`rollmodel get tjob`)")
    ended_well = any(one.type == "Succeeded" and one.status == "True" for one in status.conditions)
    if status.run_id is None or not (ended_well or status.gates):
        raise Invalid(f"{name} has no training that ended well, so there is nothing to compare a rerun with")


def next_name(name: str, taken: Sequence[str]) -> str:
    """``<name>-verify-<n>`` with the lowest number above all that are taken."""
    prefix = f"{name}-verify-"
    numbers = [int(other.removeprefix(prefix)) for other in taken if other.removeprefix(prefix).isdecimal()]
    return f"{prefix}{max(numbers, default=0) + 1}"


def rerun_of(manifest: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The rerun of a TrainingJob, ready to be created. Raises Invalid."""
    metadata, status, before = manifest["metadata"], status_of(TrainingJobStatus, manifest), spec_of(manifest)
    spec = {key: deepcopy(value) for key, value in manifest["spec"].items() if key not in _LEFT_OUT}
    digest = status.reproducibility.image_digest if status.reproducibility else None
    spec["template"]["image"] = _image(before.template.image, digest)
    spec["tracking"] = {
        **spec.get("tracking", {}),
        "experiment": experiment(metadata["namespace"], metadata["name"], before),
    }
    if before.inputs:
        spec["inputs"] = _inputs(before, status.inputs)
    if before.checkpoint:
        spec["checkpoint"]["resume"] = "Never"  # else it would begin where the first one ended
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "annotations": {VERIFIES: metadata["name"]},
        },
        "spec": spec,
    }


def _image(image: str, digest: str | None) -> str:
    """The image by its digest; as it was named where the digest is not known."""
    if digest is None or "@" in image:
        return image
    path, colon, tag = image.rpartition(":")
    return f"{path if colon and '/' not in tag else image}@{digest}"


def _inputs(spec: TrainingJobSpec, recorded: Sequence[InputStatus]) -> list[dict[str, Any]]:
    """Each input as it was read: an alias by its version, everything by its digest."""
    known = {entry.name: entry for entry in recorded}
    return [_pinned(source, known.get(source.name)) for source in spec.inputs or ()]


def _pinned(source: TrainingInput, found: InputStatus | None) -> dict[str, Any]:
    """With what was recorded of it; a version that a spec cannot hold is left to the digest."""
    wire = source.to_wire()
    if found is None:
        return wire
    for part, value in (("uri", found.uri), ("version", found.version), ("digest", found.digest)):
        try:
            wire = TrainingInput.model_validate({**wire, part: value or wire.get(part)}).to_wire()
        except ValidationError:
            continue
    return wire
