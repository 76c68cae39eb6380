"""What all child objects share: name, labels, and the reference to the object that controls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollmodel.plan import naming
from rollmodel.plan.podspec import owner_reference

__all__ = ["Owner", "metadata"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The ModelDeployment that children are built for."""

    namespace: str
    name: str
    uid: str


def metadata(
    owner: Owner, name: str, *, revision: str | None = None, annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Metadata of a child; garbage collection follows its ownerReference."""
    reference = owner_reference("ModelDeployment", owner.name, owner.uid)
    return {
        "name": name,
        "namespace": owner.namespace,
        "labels": naming.child_labels(owner.name, revision),
        **({"annotations": dict(annotations)} if annotations else {}),
        "ownerReferences": [reference],
    }
