"""Claims on a real cluster: volumes that are folders of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localcluster import Cluster

__all__ = ["claim"]


def claim(cluster: Cluster, namespace: str, path: Path) -> None:
    """A PersistentVolume of this folder, and the claim ``data`` that only it can satisfy."""
    common: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    volume = {
        **common,
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": str(path)},
        "claimRef": {"name": "data", "namespace": namespace},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    wish = {**common, "resources": {"requests": {"storage": "1Gi"}}, "volumeName": f"{namespace}-data"}
    for kind, name, spec in (
        ("PersistentVolume", f"{namespace}-data", volume),
        ("PersistentVolumeClaim", "data", wish),
    ):
        manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))
