"""The three kinds as the API server is told about them: names, columns, subresources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus

__all__ = ["KINDS", "Column", "Kind"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of ``kubectl get``; ``wide`` ones only with ``-o wide``."""

    name: str
    json_path: str
    description: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One custom resource."""

    kind: str
    plural: str
    short_name: str
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    scale: Mapping[str, Any] = field(default_factory=dict)


def _condition(name: str, type_: str, value: str, description: str, *, wide: bool = False) -> Column:
    return Column(name, f'.status.conditions[?(@.type=="{type_}")].{value}', description, wide=wide)


_AGE = Column("Age", ".metadata.creationTimestamp", "Time since it was created.", type="date")

KINDS = (
    Kind(
        kind="ModelDeployment",
        plural="modeldeployments",
        short_name="mdep",
        description="Serves one model, and lets each new version earn its traffic.",
        spec=ModelDeploymentSpec,
        status=ModelDeploymentStatus,
        columns=(
            _condition("Ready", "Ready", "status", "Whether all is as asked."),
            Column("Stable", ".status.stable.modelVersion", "Model version that has earned its traffic."),
            Column("Candidate", ".status.candidate.modelVersion", "Model version that is being tried."),
            Column("Weight", ".status.candidate.weight", "Percent of traffic of the candidate.", type="integer"),
            _condition("Reason", "Ready", "reason", "What is going on."),
            _AGE,
            Column("Revision", ".status.stable.revision", "Stable revision.", wide=True),
            Column("Digest", ".status.stable.digest", "Digest of the stable model's files.", wide=True),
            _condition("Message", "Ready", "message", "What is going on, in words.", wide=True),
        ),
        scale={
            "specReplicasPath": ".spec.scale.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    ),
)
