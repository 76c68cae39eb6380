"""A kind cluster with all that the scenarios need: our images and installation, MLflow, Prometheus, Envoy Gateway.

Only where a Docker engine runs. The neighbours listen on ports of the node, which Docker on Linux lets this machine
reach under the same address as pods do.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import rollmodel

from localcluster.binaries import GATEWAY_API, locate
from tests.e2e.target import Target

__all__ = ["docker_problem", "kind_cluster"]

ROOT = Path(__file__).parents[2]
MANIFESTS = Path(__file__).parent / "kind"
ENVOY_GATEWAY = "https://github.com/envoyproxy/gateway/releases/download/v1.8.0/install.yaml"
IMAGES = {target: f"localhost/rollmodel/{target}:{rollmodel.__version__}" for target in ("operator", "server")}
SETTINGS = {
    "ROLLMODEL_REGISTRY_URL": "http://mlflow.e2e.svc:5000",
    "ROLLMODEL_PROMETHEUS_URL": "http://prometheus.e2e.svc:9090",
    "ROLLMODEL_REGISTRY_POLL_SECONDS": "2",
    "ROLLMODEL_PROMETHEUS_DELAY_SECONDS": "2",
}
PORTS = {"mlflow": 30500, "prometheus": 30900, "gateway": 30080}

Run = Callable[..., str]


def docker_problem() -> str | None:
    """Why there can be no kind cluster here, or None where a Docker engine answers."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        return "the Docker engine does not answer"
    return "no Docker engine answers" if asked.returncode else None


def run(*command: str | Path, stdin: str | None = None) -> str:
    """Run a command to its end; what it says goes to standard error too, so that long steps show progress."""
    print("+", *command, file=sys.stderr, flush=True)
    done = subprocess.run(command, input=stdin, text=True, stdout=subprocess.PIPE, timeout=1800, check=True)
    return done.stdout


@contextmanager
def kind_cluster(directory: Path, run: Run = run) -> Iterator[Target]:
    """A new cluster, installed and ready; it is deleted at the end of the block, whatever happens."""
    tools = locate(["kind", "kubectl", GATEWAY_API])
    name, kubeconfig = f"rollmodel-{secrets.token_hex(3)}", directory / "kubeconfig"
    kind = (tools["kind"], "--name", name)

    def kubectl(*words: str | Path, stdin: str | None = None) -> str:
        return run(tools["kubectl"], "--kubeconfig", kubeconfig, *words, stdin=stdin)

    create = ("create", "cluster", "--config", MANIFESTS / "cluster.yaml", "--wait", "180s")
    try:
        run(kind[0], *create, *kind[1:], "--kubeconfig", kubeconfig)
        _images(run, kind)
        _install(kubectl, tools[GATEWAY_API])
        host = kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}")
        yield Target(tools["kubectl"], str(kubeconfig), *(f"http://{host.strip()}:{port}" for port in PORTS.values()))
    finally:
        run(kind[0], "delete", "cluster", *kind[1:])


def _images(run: Run, kind: tuple[str | Path, ...]) -> None:
    """Build both images with the Python that trains the demo's models, and bring them to the node."""
    python = f"PYTHON={sys.version_info.major}.{sys.version_info.minor}"
    for target, image in IMAGES.items():
        run("docker", "build", "--target", target, "--tag", image, "--build-arg", python, ROOT)
    run(kind[0], "load", "docker-image", *IMAGES.values(), *kind[1:])


def _install(kubectl: Run, gateway_api: Path) -> None:
    kubectl("apply", "--server-side", "-f", gateway_api)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", ENVOY_GATEWAY)
    for namespace in ("e2e", "demo"):
        manifest = kubectl("create", "namespace", namespace, "--dry-run=client", "-o", "yaml")
        kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
    for part in ("mlflow", "prometheus"):
        text = (MANIFESTS / f"{part}.yaml").read_text().replace("${SERVER_IMAGE}", IMAGES["server"])
        kubectl("apply", "--server-side", "-f", "-", stdin=text)
    kubectl("apply", "--server-side", "-k", ROOT)
    settings = (f"--from-literal={name}={value}" for name, value in SETTINGS.items())
    kubectl("create", "configmap", "rollmodel", "-n", "rollmodel-system", *settings)
    kubectl("rollout", "restart", "deployment/rollmodel", "-n", "rollmodel-system")
    waiting = ("envoy-gateway-system/envoy-gateway", "e2e/mlflow", "e2e/prometheus", "rollmodel-system/rollmodel")
    for namespace, _, deployment in (path.partition("/") for path in waiting):
        kubectl("rollout", "status", f"deployment/{deployment}", "-n", namespace, "--timeout=300s")
    kubectl("apply", "--server-side", "-f", MANIFESTS / "gateway.yaml")
    kubectl("wait", "--for=condition=Programmed", "gateway/public", "-n", "demo", "--timeout=180s")
