"""What the demo runs on: the local cluster, or a cluster that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from demo.kubectl import Kubectl
from localcluster import Cluster

__all__ = ["LOCAL_PARTS", "OPERATOR_NAMESPACE", "ROOT", "Stack", "given", "local", "of_cluster"]

ROOT = Path(__file__).parents[1]
NAMESPACE = "demo"
OPERATOR_NAMESPACE = "rollmodel-system"
OPERATOR_ACCOUNT = "rollmodel"
LOCAL_PARTS = ("control-plane", "node", "gateway", "prometheus", "mlflow")


@dataclass(frozen=True, slots=True)
class Stack:
    """Addresses of everything the demo talks to.

    ``operator_kubeconfig`` is None where the operator runs in the cluster already.
    """

    kubectl: Kubectl
    mlflow_url: str
    prometheus_url: str
    gateway_url: str
    operator_kubeconfig: Path | None
    cluster: Cluster | None = None

    def install(self) -> None:
        """``kubectl apply -k .`` without the Deployment: here the operator runs beside the cluster."""
        system = replace(self.kubectl, namespace=OPERATOR_NAMESPACE)
        for part in ("crds", "config/namespace.yaml", "config/rbac.yaml"):
            system.run("apply", "--server-side", "--filename", str(ROOT / part))
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": self.kubectl.namespace, "labels": restricted}
        self.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def apply_gateway(self) -> None:
        """A Gateway of the local class, unless there is one of that name already."""
        if self.kubectl.get("gateways.gateway.networking.k8s.io", "public") is None:
            self.kubectl.run("apply", "--filename", str(ROOT / "examples" / "gateway.yaml"))


@contextmanager
def local(directory: Path, *, keep: bool) -> Iterator[Stack]:
    """A new local cluster. It ends with the block, unless ``keep``."""
    with Cluster.start(directory, parts=LOCAL_PARTS, audit=True) as cluster:
        yield of_cluster(cluster)
        if keep:
            cluster.detach()


def of_cluster(cluster: Cluster) -> Stack:
    """The stack of a local cluster that has all parts; the operator gets the rights of the account that we ship."""
    account = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT}"
    return Stack(
        kubectl=Kubectl(cluster.binary("kubectl"), cluster.kubeconfig, NAMESPACE),
        mlflow_url=cluster.mlflow_url,
        prometheus_url=cluster.prometheus_url,
        gateway_url=cluster.gateway_url,
        operator_kubeconfig=cluster.kubeconfig_for(account, ["system:serviceaccounts", "system:authenticated"]),
        cluster=cluster,
    )


def given(kubeconfig: Path, kubectl: Path, mlflow_url: str, prometheus_url: str, gateway_url: str) -> Stack:
    """A cluster that the user brings, with an MLflow, a Prometheus and a gateway that this machine can reach.

    The operator runs on this machine with the same kubeconfig, unless it is installed in the cluster already.
    """
    installed = Kubectl(kubectl, kubeconfig, OPERATOR_NAMESPACE).get("deployments", "rollmodel") is not None
    ours = Kubectl(kubectl, kubeconfig, NAMESPACE)
    return Stack(ours, mlflow_url, prometheus_url, gateway_url, None if installed else kubeconfig)
