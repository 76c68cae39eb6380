"""What all child objects share: name, labels, and the reference to the object that controls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollmodel.api.modeldeployment import Runtime
from rollmodel.plan import naming
from rollmodel.plan.pods.spec import owner_reference

__all__ = ["Owner", "metadata"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The ModelDeployment that children are built for, and what its people want to see on them."""

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, namespace: str, name: str, uid: str, runtime: Runtime) -> Owner:
        """With the labels and annotations that the spec asks for."""
        return cls(namespace, name, uid, runtime.labels or {}, runtime.annotations or {})


def metadata(
    owner: Owner, name: str, *, revision: str | None = None, annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Metadata of a child; garbage collection follows its ownerReference."""
    notes = {**owner.annotations, **(annotations or {})}
    reference = owner_reference("ModelDeployment", owner.name, owner.uid)
    return {
        "name": name,
        "namespace": owner.namespace,
        "labels": {**owner.labels, **naming.child_labels(owner.name, revision)},
        **({"annotations": notes} if notes else {}),
        "ownerReferences": [reference],
    }
