"""The containers of a training run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, ObjectName, SubdomainName
from rollmodel.api.pods import (
    Annotations,
    Arguments,
    Environment,
    ImageReference,
    OwnLabels,
    PodSecurity,
    PodSettings,
    Quantity,
    ResourceRequirements,
)
from rollmodel.api.schema import PatternMessage, Rule, keyed_by

__all__ = ["DataValidation", "MountPath", "TrainingEnvironment", "TrainingTemplate", "VolumeClaim"]

_OURS = (
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_RUN_ID",
    "MLFLOW_TRACKING_URI",
    "JOB_COMPLETION_INDEX",
    "MASTER_ADDR",
    "MASTER_PORT",
    "NODE_RANK",
    "RANK",
    "WORLD_SIZE",
)

#: The environment of a training container.
TrainingEnvironment = Annotated[
    Environment,
    Rule(
        f"!self.exists(variable, variable.name in [{', '.join(repr(name) for name in _OURS)}])",
        f"must not set {', '.join(_OURS[:-1])} or {_OURS[-1]}, which the operator sets",
    ),
]

#: An absolute folder in a container.
MountPath = Annotated[
    str,
    Field(min_length=2, max_length=256, pattern=r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$"),
    PatternMessage("must be an absolute path such as '/data', without '..' and ':'"),
]


class VolumeClaim(ApiModel):
    """A PersistentVolumeClaim of this namespace, mounted into the container."""

    name: ObjectName
    """Name of the volume, unique in the list."""
    claim_name: SubdomainName
    """Name of the PersistentVolumeClaim."""
    mount_path: MountPath
    """Where the container sees it."""
    access: Literal["ReadOnly", "ReadWrite"] = "ReadOnly"
    """What the container may do with it."""


class TrainingTemplate(PodSettings):
    """The container that trains, and what its pods ask of the cluster."""

    image: ImageReference
    """Image with the training code."""
    command: Arguments | None = None
    """Command line that replaces the image's entry point."""
    args: Arguments | None = None
    """Arguments of the command."""
    env: TrainingEnvironment | None = None
    """Environment of the container."""
    resources: ResourceRequirements | None = None
    """CPU, memory and accelerators of one pod."""
    shared_memory: Quantity | None = None
    """Size of /dev/shm, which data loaders of several processes use. Counts as memory."""
    volumes: Annotated[list[VolumeClaim] | None, Field(max_length=16), keyed_by("name")] = None
    """Claims to mount."""
    service_account_token: Literal["Mount"] | None = None
    """`Mount` gives the container the token of its service account. Default: no token."""
    security_context: PodSecurity | None = None
    """User and groups of the pods. Default: those of the image, which must not be root."""
    labels: OwnLabels | None = None
    """Labels of the Job, its pods and its Service."""
    annotations: Annotations | None = None
    """Annotations of the Job, its pods and its Service."""


class DataValidation(ApiModel):
    """A container that runs first and stops the run by a non-zero exit code; 75 asks for another try."""

    image: ImageReference | None = None
    """Image of the check. Default: that of the training."""
    command: Arguments | None = None
    """Command line that replaces the image's entry point."""
    args: Arguments | None = None
    """Arguments of the command."""
    env: TrainingEnvironment | None = None
    """Environment of the container."""
    resources: ResourceRequirements | None = None
    """CPU and memory of the check."""
