"""The login of a Pod at the API server, where programs of this machine look for one: ``$HOME/.kube/config``.

A real Pod finds its token below ``/var/run/secrets`` and the server's address in variables. Clients have that path
built in, and here it is the machine's own, so the same login is offered in the other usual way.
"""

from __future__ import annotations

import yaml

from localcluster.kubeapi import Object
from localcluster.node.pods.folders import PodFolder

__all__ = ["write_login"]

_CA = "ca.crt"


def write_login(pod: Object, folder: PodFolder, server: str) -> None:
    """Write a kubeconfig of the Pod's service account, if one of its volumes, written before, has token and CA."""
    for volume in pod["spec"].get("volumes", ()):
        for source in volume.get("projected", {}).get("sources", ()):
            token = folder.volume(volume["name"]) / source.get("serviceAccountToken", {}).get("path", "")
            ca = folder.volume(volume["name"]) / _CA
            if token.is_file() and ca.is_file():
                _write(folder, {"server": server, "certificate-authority": str(ca)}, {"tokenFile": str(token)}, pod)
                return


def _write(folder: PodFolder, cluster: Object, user: Object, pod: Object) -> None:
    context = {"cluster": "local", "user": "pod", "namespace": pod["metadata"]["namespace"]}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": cluster}],
        "users": [{"name": "pod", "user": user}],
        "contexts": [{"name": "local", "context": context}],
        "current-context": "local",
    }
    path = folder.path / ".kube" / "config"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(config))
