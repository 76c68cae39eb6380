"""Specs that the API server lets through, but that cannot be run: reported before anything is created."""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.api.trainingjob import TrainingJobSpec
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context
from rollmodel.plan.training.inputs.pins import FOLDER, is_read
from rollmodel.plan.training.objects.environment import parameters_json

__all__ = ["refusals", "refuse"]

_MOST_PARAMETER_BYTES = 100_000
"""One variable of the environment: Linux takes 128 KiB (MAX_ARG_STRLEN, execve(2))."""

_VERSIONED = ("s3://", "models:/")
_RESERVED_PATHS = ("/tmp", "/dev/shm", FOLDER)  # noqa: S108


def refuse(context: Context, builder: DecisionBuilder) -> DecisionBuilder:
    """Stop before the first thing is created; what began under an older rule continues."""
    problems = [] if context.status.run_id else list(refusals(context.spec))
    return builder.stall("InvalidSpec", "; ".join(problems)) if problems else builder


def refusals(spec: TrainingJobSpec) -> Iterator[str]:
    """What is wrong, and what is allowed."""
    for source in spec.inputs or ():
        if not is_read(source) and not (source.version or source.digest):
            scheme = source.uri.partition(":")[0]
            yield (
                f"input {source.name!r}: {scheme} addresses are read by the training code itself and must have"
                " `version` or `digest`; without them s3, https, pvc, mlflow-artifacts, runs and models are allowed"
            )
        if is_read(source) and source.version and not source.uri.startswith(_VERSIONED):
            yield f"input {source.name!r}: only s3 and models addresses have a `version`; pin this one with `digest`"
    size = len(parameters_json(spec).encode())
    if size > _MOST_PARAMETER_BYTES:
        yield f"`parameters` take {size} bytes as JSON; at most {_MOST_PARAMETER_BYTES} are allowed"
    yield from _mounts(spec)


def _mounts(spec: TrainingJobSpec) -> Iterator[str]:
    """Every folder of the container is used once."""
    asked = [volume.mount_path for volume in spec.template.volumes or ()]
    if spec.checkpoint and spec.checkpoint.claim_name:
        asked.append(spec.checkpoint.mount_path)
    for path in sorted(set(asked)):
        if asked.count(path) > 1:
            yield f"mount path {path} is used more than once; each must be a folder of its own"
        if any(path == reserved or path.startswith(f"{reserved}/") for reserved in _RESERVED_PATHS):
            yield f"mount path {path} is used by the operator; others than {', '.join(_RESERVED_PATHS)} are allowed"
