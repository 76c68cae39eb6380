"""Nodes that the provider may take away, by the labels and taints that providers document.

GKE: cloud.google.com/kubernetes-engine/docs/concepts/spot-vms.
EKS: docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html.
AKS: learn.microsoft.com/azure/aks/spot-node-pool. Karpenter: karpenter.sh/docs/concepts/nodepools.
"""

from __future__ import annotations

from typing import Any, Literal

__all__ = ["SPOT_TOLERATIONS", "spot_affinity"]

_LABELS = {
    "cloud.google.com/gke-spot": "true",
    "eks.amazonaws.com/capacityType": "SPOT",
    "kubernetes.azure.com/scalesetpriority": "spot",
    "karpenter.sh/capacity-type": "spot",
}

#: Taints that such nodes carry by themselves or by the provider's advice.
SPOT_TOLERATIONS = tuple(
    {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"} for key, value in _LABELS.items()
)


def spot_affinity(preference: Literal["Prefer", "Require", "Never"]) -> dict[str, Any]:
    """The node affinity: one term per provider for those who want such nodes, one for all that excludes them."""
    if preference == "Never":
        return _required([{"matchExpressions": [_expression(key, "NotIn") for key in _LABELS]}])
    terms = [{"matchExpressions": [_expression(key, "In")]} for key in _LABELS]
    if preference == "Require":
        return _required(terms)
    preferred = [{"weight": 100, "preference": term} for term in terms]
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _required(terms: list[dict[str, Any]]) -> dict[str, Any]:
    selector = {"nodeSelectorTerms": terms}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}


def _expression(key: str, operator: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": [_LABELS[key]]}
