"""Operators of a cluster as their Deployments show them, and which of them work in the same namespaces.

Two that do are no harm to objects, since the status is the fence; but each works for nothing half of the time, and of
two versions one undoes what the other one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollmodel.plan.operators.sharding import shard_of

__all__ = ["SELECTOR", "InstalledOperator"]

#: Label selector of the Deployments of operators.
SELECTOR = "app.kubernetes.io/name=rollmodel"


@dataclass(frozen=True, slots=True)
class InstalledOperator:
    """One Deployment; settings that come from a ConfigMap are not seen.

    ``lease`` is the name of its Lease, None where it has none; without ``namespaces`` it works in all.
    """

    namespace: str
    name: str
    replicas: int = 1
    namespaces: frozenset[str] = frozenset()
    shard: str | None = None
    lease: str | None = None

    @classmethod
    def of(cls, deployment: Mapping[str, Any]) -> InstalledOperator:
        """Read it from the Deployment."""
        meta, spec = deployment["metadata"], deployment.get("spec") or {}
        pods = (spec.get("template") or {}).get("spec") or {}
        variables = {
            variable["name"]: variable.get("value") or ""
            for container in pods.get("containers") or ()
            for variable in container.get("env") or ()
        }
        named = variables.get("ROLLMODEL_NAMESPACES", "").split(",")
        return cls(
            meta["namespace"],
            meta["name"],
            spec.get("replicas", 1),
            frozenset(filter(None, (one.strip() for one in named))),
            variables.get("ROLLMODEL_SHARD") or None,
            variables.get("ROLLMODEL_LEASE_NAME") or None,
        )

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def works_in(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether it looks after a namespace with these labels."""
        if self.shard is not None:
            return shard_of(labels) == self.shard
        return not self.namespaces or namespace in self.namespaces

    def overlaps(self, other: InstalledOperator) -> bool:
        """Whether both work in some namespace, as far as their settings say. Labels may say otherwise of a shard."""
        if not (self.replicas and other.replicas):
            return False
        if self.namespaces and other.namespaces:
            return not self.namespaces.isdisjoint(other.namespaces)
        if self.shard is not None and other.shard is not None:
            return self.shard == other.shard
        if self.shard is not None or other.shard is not None:
            return not (self.namespaces or other.namespaces)
        return True
