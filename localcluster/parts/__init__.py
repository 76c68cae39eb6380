"""What a cluster can consist of. A part is a name that people use; it stands for one process or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from localcluster.binaries import GATEWAY_API
from localcluster.errors import LocalClusterError
from localcluster.parts import controlplane
from localcluster.parts.gateway import gateway
from localcluster.parts.mlflow import mlflow
from localcluster.parts.node import node
from localcluster.parts.prometheus import prometheus
from localcluster.parts.victoria_metrics import victoria_metrics
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = [
    "CONTROL_PLANE",
    "PARTS",
    "PORTS",
    "PROCESSES",
    "STOP_ORDER",
    "USUAL_PARTS",
    "Part",
    "binaries_of",
    "processes_of",
]

CONTROL_PLANE = "control-plane"


@dataclass(frozen=True, slots=True)
class Part:
    """A set of processes by name, each with the function that describes it for a site; and what they need.

    ``ports``: the names by which :meth:`Site.address` knows where they listen. ``usual``: there unless others are asked
    for.
    """

    processes: dict[str, Callable[[Site], ProcessSpec]]
    ports: tuple[str, ...]
    binaries: tuple[str, ...] = ()
    usual: bool = True


PARTS: dict[str, Part] = {
    CONTROL_PLANE: Part(
        {
            "etcd": controlplane.etcd,
            "kube-apiserver": controlplane.api_server,
            "kube-controller-manager": controlplane.controller_manager,
            "kube-scheduler": controlplane.scheduler,
        },
        ("etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
        ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
    ),
    "node": Part({"node": node}, ("node",)),
    "gateway": Part({"gateway": gateway}, ("gateway", "gateway-admin"), ("kubectl", GATEWAY_API)),
    "prometheus": Part({"prometheus": prometheus}, ("prometheus",), ("kubectl", "prometheus")),
    "mlflow": Part({"mlflow": mlflow}, ("mlflow",)),
    "victoria-metrics": Part(
        {"victoria-metrics": victoria_metrics}, ("victoria-metrics",), ("kubectl", "victoria-metrics"), usual=False
    ),
}
USUAL_PARTS = tuple(name for name, part in PARTS.items() if part.usual)

PROCESSES = {name: build for part in PARTS.values() for name, build in part.processes.items()}
PORTS = tuple(name for part in PARTS.values() for name in part.ports)

# The API server goes late and etcd last: an API server without etcd hangs for a minute and keeps its port.
STOP_ORDER = (
    "node",
    "kube-scheduler",
    "kube-controller-manager",
    "gateway",
    "prometheus",
    "victoria-metrics",
    "mlflow",
    "kube-apiserver",
    "etcd",
)


def processes_of(parts: Iterable[str]) -> list[str]:
    """Return the processes of the named parts. Raises :class:`LocalClusterError` for an unknown name."""
    return [name for part in parts for name in _part(part).processes]


def binaries_of(parts: Iterable[str]) -> list[str]:
    """Return the binaries that the named parts need."""
    return [name for part in parts for name in _part(part).binaries]


def _part(name: str) -> Part:
    try:
        return PARTS[name]
    except KeyError:
        raise LocalClusterError(f"no part {name!r}; there are {', '.join(PARTS)}") from None
