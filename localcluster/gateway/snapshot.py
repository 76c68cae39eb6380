"""The objects that the gateway sees at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localcluster.kubeapi import Object

__all__ = ["CONTROLLER", "GATEWAY_GROUP", "Reason", "Snapshot", "key"]

CONTROLLER = "rollmodel.dev/localcluster-gateway"
GATEWAY_GROUP = "gateway.networking.k8s.io"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a condition is as it is: a CamelCase word of the specification, and a sentence."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent view; all are plain objects of the API."""

    classes: Sequence[Object] = ()
    gateways: Sequence[Object] = ()
    routes: Sequence[Object] = ()
    grpc_routes: Sequence[Object] = ()
    services: Sequence[Object] = ()
    slices: Sequence[Object] = ()

    def own_classes(self) -> list[Object]:
        """The GatewayClasses that name this controller."""
        return [item for item in self.classes if item["spec"]["controllerName"] == CONTROLLER]

    def own_gateways(self) -> list[Object]:
        """The Gateways of those classes."""
        names = {item["metadata"]["name"] for item in self.own_classes()}
        return [item for item in self.gateways if item["spec"]["gatewayClassName"] in names]


def key(item: Object) -> tuple[str, str]:
    """(namespace, name)."""
    return item["metadata"]["namespace"], item["metadata"]["name"]
