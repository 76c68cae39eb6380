"""How many pods take all traffic. Nothing else reads ``scale.replicas``."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ModelDeploymentSpec

__all__ = ["full_size"]


def full_size(spec: ModelDeploymentSpec) -> int:
    """Pods that take all traffic now; 0 while the deployment is scaled to zero."""
    return spec.scale.replicas
