"""Node, Prometheus, MLflow and gateway: each works, stops on demand, and comes back where and as it was."""

import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcluster import Cluster, LocalClusterError
from localcluster.binaries.gobuild import TOOLS
from localcluster.processes.procfs import family

pytestmark = pytest.mark.cluster

Wait = Callable[[Callable[[], bool]], None]

SERVE = """
import os, time, prometheus_client
prometheus_client.start_http_server(8080, os.environ["ROLLMODEL_LISTEN_ADDRESS"])
print("serving", flush=True)
time.sleep(1000)
"""


def serving_pod(name: str, labels: dict[str, str]) -> str:
    container = {
        "name": "main",
        "image": "python",
        "args": ["python", "-c", SERVE],
        "ports": [{"name": "http", "containerPort": 8080}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    secure = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": secure}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec})


def call(url: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def query(cluster: Cluster, expression: str) -> list[dict[str, Any]]:
    arguments = urllib.parse.urlencode({"query": expression})
    found: list[dict[str, Any]] = call(f"{cluster.prometheus_url}/api/v1/query?{arguments}")["data"]["result"]
    return found


def state(cluster: Cluster, process: str) -> str:
    return next(status.state for status in cluster.status() if status.name == process)


def test_a_part_that_was_never_started_has_no_address(cluster: Cluster) -> None:
    if all(status.name != "mlflow" for status in cluster.status()):
        with pytest.raises(LocalClusterError, match=r"ensure\('mlflow'\) starts it"):
            _ = cluster.mlflow_url
    with pytest.raises(LocalClusterError, match="no part 'mlfow'; there are control-plane, node"):
        cluster.ensure("mlfow")
    with pytest.raises(LocalClusterError, match="no process 'kubelet' was started; there are etcd"):
        cluster.stop_part("kubelet")


def test_prometheus_finds_pods_and_survives_a_restart(cluster: Cluster, namespace: str, wait_until: Wait) -> None:
    cluster.ensure("node", "prometheus")
    ours = {"rollmodel.dev/managed-by": "rollmodel", "rollmodel.dev/revision": "abc"}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=serving_pod("ours", ours))
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=serving_pod("theirs", {"app": "other"}))
    up = f'up{{namespace="{namespace}"}} == 1'
    wait_until(lambda: bool(query(cluster, up)))

    [series] = query(cluster, up)
    assert series["metric"]["pod"] == "ours"
    assert series["metric"]["rollmodel_dev_revision"] == "abc"
    assert cluster.kubectl("logs", "-n", namespace, "ours") == "serving\n"

    before, address = float(query(cluster, f"timestamp({up})")[0]["value"][1]), cluster.prometheus_url
    cluster.stop_part("prometheus")
    with pytest.raises(urllib.error.URLError, match="refused"):
        query(cluster, up)
    assert state(cluster, "prometheus") == "ended with 0"
    cluster.restart_part("prometheus")
    assert cluster.prometheus_url == address
    assert query(cluster, f'up{{namespace="{namespace}"}} @ {before}')
    wait_until(lambda: any(float(sample["value"][1]) > before for sample in query(cluster, f"timestamp({up})")))


def test_mlflow_keeps_its_models_through_a_crash(cluster: Cluster, wait_until: Wait) -> None:
    cluster.ensure("mlflow")
    models = f"{cluster.mlflow_url}/api/2.0/mlflow/registered-models"
    call(f"{models}/create", {"name": "churn"})
    (server,) = [status for status in cluster.status() if status.name == "mlflow"]
    assert server.pid is not None
    assert family(server.pid) == {server.pid}  # a second one would import all of MLflow again
    cluster.kill_part("mlflow")
    assert state(cluster, "mlflow") == "ended by SIGKILL"
    with pytest.raises(urllib.error.URLError, match="refused"):
        call(f"{models}/get?name=churn")
    cluster.ensure("mlflow")
    assert call(f"{models}/get?name=churn")["registered_model"]["name"] == "churn"


def test_the_gateway_installs_its_api_and_accepts_its_class(cluster: Cluster, wait_until: Wait) -> None:
    cluster.ensure("gateway")
    accepted = [
        "get",
        "gatewayclass",
        "rollmodel-local",
        "-o",
        "jsonpath={.status.conditions[?(@.type=='Accepted')].status}",
    ]
    wait_until(lambda: cluster.kubectl(*accepted) == "True")
    definition = json.loads(cluster.kubectl("get", "crd", "httproutes.gateway.networking.k8s.io", "-o", "json"))
    assert definition["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] == "v1.6.1"
    assert definition["metadata"]["annotations"]["gateway.networking.k8s.io/channel"] == "standard"
    assert cluster.gateway_url.startswith("http://127.0.0.1:")


def test_the_definitions_are_the_pinned_ones(cluster: Cluster) -> None:
    cluster.ensure("gateway")
    folder = Path(json.loads((cluster.directory / "cluster.json").read_text())["binaries"]["gateway-api"])
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    pinned = (TOOLS / "gateway-api" / "SHA256SUMS").read_text().splitlines()
    assert sums == {name: sha256 for sha256, name in map(str.split, pinned)}


def test_the_api_server_restarts_at_its_address(cluster: Cluster, wait_until: Wait) -> None:
    cluster.restart_part("kube-apiserver")
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"
