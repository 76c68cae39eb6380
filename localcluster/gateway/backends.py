"""From a backendRef to an Envoy cluster and its ready endpoints. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from localcluster.addresses import listen_address
from localcluster.kubeapi import Object

from .snapshot import Reason, Snapshot, key

__all__ = ["H2C", "INVALID_CLUSTER", "Backends", "Endpoints"]

Endpoints = frozenset[tuple[str, int]]
"""(address, port) of each endpoint that is ready, as one connects to it."""

H2C = "_h2c"
"""Ends the name of a cluster whose endpoints speak HTTP/2 from the first byte on (KEP-3726)."""
INVALID_CLUSTER = "invalid"  # a cluster that does not exist: Envoy answers for it with 500


class Backends:
    """Resolves references and remembers the clusters that they need."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._services = {key(service): service for service in snapshot.services}
        self._slices: dict[tuple[str, str], list[Object]] = {}
        for item in snapshot.slices:
            name = item["metadata"].get("labels", {}).get("kubernetes.io/service-name", "")
            self._slices.setdefault((item["metadata"]["namespace"], name), []).append(item)
        self.clusters: dict[str, Endpoints] = {}

    def resolve(self, reference: Object, namespace: str) -> str | Reason:
        """The name of the cluster for a reference from this namespace, or why there is none."""
        if (reference.get("group", ""), reference.get("kind", "Service")) != ("", "Service"):
            return Reason("InvalidKind", f"only a Service can be a backend here, not {reference.get('kind')}")
        name, port = reference["name"], reference.get("port")
        if reference.get("namespace", namespace) != namespace:
            return Reason("RefNotPermitted", f"Service {name} is in another namespace")
        service = self._services.get((namespace, name))
        if service is None:
            return Reason("BackendNotFound", f"Service {name} does not exist")
        ports = [item for item in service["spec"].get("ports", ()) if item["port"] == port]
        if not ports:
            return Reason("BackendNotFound", f"Service {name} has no port {port}")
        cluster = f"{namespace}_{name}_{port}"  # no Kubernetes name holds an underscore
        if ports[0].get("appProtocol") == "kubernetes.io/h2c":
            cluster += H2C
        self.clusters[cluster] = _ready(self._slices.get((namespace, name), ()), ports[0].get("name", ""))
        return cluster


def _ready(slices: Iterable[Object], port_name: str) -> Endpoints:
    return frozenset(
        (listen_address(address), port["port"])
        for item in slices
        for port in item.get("ports") or ()
        if (port.get("name") or "") == port_name
        for endpoint in item.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint["addresses"][:1]
    )
