"""Services: one per revision, which routes give weight to, and one for all, which clients inside the cluster use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.meta import Owner, metadata

__all__ = [
    "GRPC_PORT",
    "SERVICE_PORT",
    "holding_service",
    "main_service",
    "pods_service",
    "preview_service",
    "revision_service",
]

SERVICE_PORT = 80
GRPC_PORT = 8001
"""Port of a Service for gRPC, which has no port of its own; that of Triton."""


def revision_service(owner: Owner, revision: str, grpc: int | None = None) -> dict[str, Any]:
    """The Service of one revision. ``grpc`` is the port on which its pods speak gRPC, where the Service offers that."""
    selector = naming.revision_selector(owner.name, revision)
    return _service(metadata(owner, naming.child(owner.name, revision), revision=revision), selector, grpc)


def main_service(owner: Owner, revision: str | None, grpc: int | None = None) -> dict[str, Any]:
    """The Service that keeps its name: for one revision, or for the pods of all where traffic is split by replicas."""
    selector = naming.owner_selector(owner.name) if revision is None else naming.revision_selector(owner.name, revision)
    return _service(metadata(owner, naming.shared(owner.name)), selector, grpc)


def holding_service(owner: Owner) -> dict[str, Any]:
    """The Service that keeps its name, while the holding page answers."""
    return _service(metadata(owner, naming.shared(owner.name)), naming.holding_selector(owner.name), None)


def preview_service(owner: Owner, revision: str, grpc: int | None = None) -> dict[str, Any]:
    """The Service of a candidate that is previewed, whichever it is."""
    selector = naming.revision_selector(owner.name, revision)
    return _service(metadata(owner, naming.preview(owner.name)), selector, grpc)


def pods_service(owner: Owner, name: str, revision: str) -> dict[str, Any]:
    """A Service without an address: its name resolves to the ready pods of a revision, each with its own."""
    service = _service(metadata(owner, name), naming.revision_selector(owner.name, revision), None)
    return {**service, "spec": {**service["spec"], "clusterIP": "None"}}


def _service(meta: Mapping[str, Any], selector: Mapping[str, str], grpc: int | None) -> dict[str, Any]:
    ports: list[dict[str, Any]] = [{"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}]
    if grpc is not None:
        # By number: the name of the port is not in pods of earlier releases. A gateway speaks HTTP/2 to it from the
        # first byte on (KEP-3726).
        told = {"appProtocol": "kubernetes.io/h2c", "protocol": "TCP"}
        ports.append({"name": "grpc", "port": GRPC_PORT, "targetPort": grpc, **told})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"type": "ClusterIP", "selector": selector, "ports": ports},
    }
