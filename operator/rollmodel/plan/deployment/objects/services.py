"""Services: one per revision, which routes give weight to, and one for all, which clients inside the cluster use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.meta import Owner, metadata

__all__ = ["SERVICE_PORT", "main_service", "pods_service", "preview_service", "revision_service"]

SERVICE_PORT = 80


def revision_service(owner: Owner, revision: str) -> dict[str, Any]:
    """The Service of one revision."""
    selector = naming.revision_selector(owner.name, revision)
    return _service(metadata(owner, naming.child(owner.name, revision), revision=revision), selector)


def main_service(owner: Owner, revision: str | None) -> dict[str, Any]:
    """The Service that keeps its name: for one revision, or for the pods of all where traffic is split by replicas."""
    selector = naming.owner_selector(owner.name) if revision is None else naming.revision_selector(owner.name, revision)
    return _service(metadata(owner, naming.shared(owner.name)), selector)


def preview_service(owner: Owner, revision: str) -> dict[str, Any]:
    """The Service of a candidate that is previewed, whichever it is."""
    selector = naming.revision_selector(owner.name, revision)
    return _service(metadata(owner, naming.preview(owner.name)), selector)


def pods_service(owner: Owner, name: str, revision: str) -> dict[str, Any]:
    """A Service without an address: its name resolves to the ready pods of a revision, each with its own."""
    service = _service(metadata(owner, name), naming.revision_selector(owner.name, revision))
    return {**service, "spec": {**service["spec"], "clusterIP": "None"}}


def _service(meta: Mapping[str, Any], selector: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {
            "type": "ClusterIP",
            "selector": selector,
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }
