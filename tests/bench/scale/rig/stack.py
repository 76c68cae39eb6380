"""What the benchmark runs on: a local cluster with an audit log, our kinds and our RBAC installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcluster import Cluster
from localcluster.binaries import GATEWAY_API, locate
from localcluster.site import CONTROLLER_QPS

__all__ = ["NAMESPACE", "OPERATOR", "Stack", "stack"]

NAMESPACE = "scale"
OPERATOR = "system:serviceaccount:rollmodel-system:rollmodel"
_ROOT = Path(__file__).parents[4]


@dataclass(frozen=True, slots=True)
class Stack:
    """The cluster, and the operator's own login: the audit log knows it as ``OPERATOR``."""

    cluster: Cluster
    operator_kubeconfig: Path
    python: Path | None = None
    """The operator's interpreter, if it is not ours: of an environment that has what its image has, and no more."""


@contextmanager
def stack(
    directory: Path, *parts: str, python: Path | None = None, controller_qps: int = CONTROLLER_QPS
) -> Iterator[Stack]:
    """A new cluster with these parts; it ends with the block. ``python`` is the operator's interpreter."""
    with Cluster.start(directory, parts=parts, audit=True, controller_qps=controller_qps) as cluster:
        _install(cluster)
        login = cluster.kubeconfig_for(OPERATOR, ["system:serviceaccounts", "system:authenticated"])
        yield Stack(cluster, login, python)


def _install(cluster: Cluster) -> None:
    """The Gateway API, our kinds, our RBAC, and a namespace that enforces Pod Security "restricted"."""
    definitions = (locate([GATEWAY_API])[GATEWAY_API], _ROOT / "crds")
    for folder in definitions:
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(folder))
    for part in ("namespace.yaml", "rbac.yaml"):
        cluster.kubectl("apply", "--server-side", "-f", str(_ROOT / "config" / part))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    metadata = {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    cluster.kubectl(
        "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    )
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", "-n", NAMESPACE, "--timeout=60s")
