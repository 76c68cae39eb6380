"""What a spec looks like in a cluster once it serves: its children, as the operator itself would make them.

For people who ask what a change would do. The passes are the real ones; the cluster around them is one in which pods
are ready at once, and Gateways take up all that they are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.plan import naming
from rollmodel.plan.decision import ApplyObject, DeleteObject, Ref
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.objects.traffic.services import SERVICE_PORT
from rollmodel.plan.deployment.observed import Defaults, Observed, PinnedModel

__all__ = ["Unplaceable", "children_at_rest"]

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_UID = "00000000-0000-0000-0000-000000000000"
_MOST_PASSES = 12


class Unplaceable(Exception):
    """The spec cannot be served; the message says why."""


def children_at_rest(
    namespace: str, name: str, spec: ModelDeploymentSpec, model: PinnedModel, defaults: Defaults
) -> list[dict[str, Any]]:
    """The children of a ModelDeployment that serves this model, without status. Raises Unplaceable."""
    look = Observed(
        namespace=namespace,
        name=name,
        uid=_UID,
        generation=1,
        annotations={},
        managed_fields=[],
        spec=spec,
        status=ModelDeploymentStatus(),
        model=model,
        children=[],
        pods=[],
        answers={},
        defaults=defaults,
        now=_NOW,
        users_route=_route_of(spec, namespace, name),
    )
    children: dict[Ref, dict[str, Any]] = {}
    status: Mapping[str, Any] = {}
    for _ in range(_MOST_PASSES):
        decision = decide(look)
        if decision.status == status and not decision.of(ApplyObject) and not decision.of(DeleteObject):
            break
        for applied in decision.of(ApplyObject):
            children[Ref.of(applied.manifest)] = _taken_up(applied.manifest, spec)
        for deleted in decision.of(DeleteObject):
            children.pop(deleted.ref, None)
        status = decision.status
        seen = ModelDeploymentStatus.model_validate(status)
        look = replace(look, status=seen, children=list(children.values()))
    if not status.get("stable"):
        stalled = [
            one["message"] for one in status["conditions"] if (one["type"], one["status"]) == ("Stalled", "True")
        ]
        raise Unplaceable("; ".join(stalled) or "it does not come to serve")
    return [{key: value for key, value in child.items() if key != "status"} for child in children.values()]


def _route_of(spec: ModelDeploymentSpec, namespace: str, name: str) -> dict[str, Any] | None:
    """The route that somebody else has made for the spec, as it should be."""
    if spec.traffic is None or spec.traffic.route_ref is None:
        return None
    ref = spec.traffic.route_ref
    backend = {"group": "", "kind": "Service", "name": naming.shared(name), "port": SERVICE_PORT, "weight": 1}
    conditions = [
        {"type": kind, "status": "True", "reason": kind, "observedGeneration": 1}
        for kind in ("Accepted", "ResolvedRefs")
    ]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": ref.name, "namespace": namespace, "uid": _UID, "generation": 1, "resourceVersion": "1"},
        "spec": {"parentRefs": [{"name": "gateway"}], "rules": [{"name": ref.rule, "backendRefs": [backend]}]},
        "status": {"parents": [{"parentRef": {"name": "gateway"}, "conditions": conditions}]},
    }


def _taken_up(manifest: Mapping[str, Any], spec: ModelDeploymentSpec) -> dict[str, Any]:
    """As the cluster has it: pods are ready, and every Gateway has accepted the route."""
    meta = {**manifest["metadata"], "uid": _UID, "generation": 1}
    if manifest["kind"] == "Deployment":
        pods = manifest["spec"].get("replicas", 1)
        counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), pods)
        return {**manifest, "metadata": meta, "status": {"observedGeneration": 1, **counts}}
    if manifest["kind"] in {"HTTPRoute", "GRPCRoute"} and spec.traffic is not None:
        conditions = [
            {"type": kind, "status": "True", "reason": kind, "observedGeneration": 1}
            for kind in ("Accepted", "ResolvedRefs")
        ]
        parents = [{"parentRef": one.to_wire(), "conditions": conditions} for one in spec.traffic.gateways]
        return {**manifest, "metadata": meta, "status": {"parents": parents}}
    return {**manifest, "metadata": meta}
