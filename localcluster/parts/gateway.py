"""The gateway: Envoy, fed from the Gateway API's objects, see :mod:`localcluster.gateway`."""

from __future__ import annotations

import sys
from pathlib import Path

from localcluster.binaries import GATEWAY_API
from localcluster.kubectl import apply, kubectl
from localcluster.network import tcp_open
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = ["gateway"]

_MANIFEST = Path(__file__).parents[1] / "manifests" / "gateway.yaml"


def gateway(site: Site) -> ProcessSpec:
    """The gateway's controller, which starts Envoy; the Gateway API and one GatewayClass are installed before."""
    address, admin = site.address("gateway"), site.address("gateway-admin")
    options = {
        "--kubeconfig": site.kubeconfig_for("localcluster:gateway"),
        "--dir": site.folder("gateway"),
        "--listen": address,
        "--admin": admin,
    }
    arguments = [str(word) for option in options.items() for word in option]
    return ProcessSpec(
        "gateway",
        (sys.executable, "-m", "localcluster.gateway", *arguments),
        (address, admin),
        lambda: tcp_open(site.ports["gateway"]),
        after=("kube-apiserver",),
        before=lambda: _install(site),
    )


def _install(site: Site) -> None:
    apply(site, Path(site.binaries[GATEWAY_API]))
    definition = "customresourcedefinition/gatewayclasses.gateway.networking.k8s.io"
    kubectl(site, "wait", "--for=condition=Established", definition, "--timeout=30s")
    apply(site, _MANIFEST)
