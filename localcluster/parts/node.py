"""The node: a stand-in for the kubelet that runs pods as local processes, see :mod:`localcluster.node`."""

from __future__ import annotations

import sys
from pathlib import Path

from localcluster.network import LOOPBACK, http_ok
from localcluster.parts.controlplane import probe_context
from localcluster.pki import Authority
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = ["NODE", "node"]

NODE = "local"
_IMAGES = Path(__file__).parents[1] / "images.yaml"


def node(site: Site) -> ProcessSpec:
    """The node, as the user that the API server's node authorizer knows it by: no RBAC rule of ours is needed."""
    address = site.address("node")
    certificate, key = Authority.load(site.pki, "ca").server(f"system:node:{NODE}", [LOOPBACK]).write(site.pki, "node")
    options = {
        "--kubeconfig": site.kubeconfig_for(f"system:node:{NODE}", ("system:nodes",)),
        "--dir": site.folder("node"),
        "--volumes": site.root,
        "--name": NODE,
        "--port": site.ports["node"],
        "--images": site.images or _IMAGES,
        "--tls-cert": certificate,
        "--tls-key": key,
        "--client-ca": site.pki / "ca.crt",
    }
    arguments = [str(word) for option in options.items() for word in option]
    context = probe_context(site)
    return ProcessSpec(
        "node",
        (sys.executable, "-m", "localcluster.node", *arguments),
        (address,),
        lambda: http_ok(f"{site.api_server}/api/v1/nodes/{NODE}", context),
        after=("kube-apiserver",),
    )
