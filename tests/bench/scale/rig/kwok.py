"""KWOK: a simulated node whose pods are ready at once and cost no process (https://kwok.sigs.k8s.io).

``kwok.yaml`` says what it does. Without node leases the pods would turn unready after 50 seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcluster import Cluster
from tests.bench.scale.rig.program import program

__all__ = ["NODE", "simulated_node"]

NODE = "simulated"

_STAGES = Path(__file__).with_name("kwok.yaml")
_POD_ADDRESSES = "10.200.0.0/16"
_LEASE_SECONDS = 40
_READY_SECONDS = 60


@contextmanager
def simulated_node(cluster: Cluster) -> Iterator[None]:
    """While the block lasts the cluster has one node, which takes any number of pods."""
    options = {
        "--kubeconfig": cluster.kubeconfig_for("kwok", ["system:masters"]),
        "--config": _STAGES,
        "--manage-all-nodes": "true",
        "--node-lease-duration-seconds": _LEASE_SECONDS,
        "--cidr": _POD_ADDRESSES,
        "--node-ip": "10.199.0.1",
    }
    with program(cluster, "kwok", options):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(node))
        cluster.kubectl("wait", "--for=condition=Ready", f"--timeout={_READY_SECONDS}s", f"node/{NODE}")
        yield
