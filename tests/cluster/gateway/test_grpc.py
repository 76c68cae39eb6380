"""A GRPCRoute of the operator splits requests of HTTP/2 between Services that say that they speak it.

The backends answer any request of HTTP/2, which is what gRPC is to a gateway; that they speak gRPC itself is not shown.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import Any

import pytest
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.traffic.services import revision_service
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.routers.traffic import Split
from rollmodel.plan.diff import matches

from tests.support.live.servers.grpc_server import HTTP_2
from tests.support.pods import Kube, Wait, pod_spec
from tests.support.simulation.rollouts import spec

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

OLD, NEW = "bbbbbbbb", "cccccccc"
SERVER = f"""
def answer():
    return os.environ["NAME"].encode()
{HTTP_2}serve(9000)
"""


def without_owner(manifest: dict[str, Any]) -> dict[str, Any]:
    """Our kinds are not installed here."""
    return {**manifest, "metadata": {k: v for k, v in manifest["metadata"].items() if k != "ownerReferences"}}


def backend(kube: Kube, who: Owner, revision: str) -> None:
    service = without_owner(revision_service(who, revision, 9000))
    kube.create(service)
    environment = [{"name": "NAME", "value": revision}]
    container: dict[str, Any] = {
        "name": "main",
        "image": "python",
        "command": ["python", "-c", SERVER],
        "env": environment,
    }
    container["readinessProbe"] = {"tcpSocket": {"port": 9000}, "periodSeconds": 1}
    container["ports"] = [{"name": "http", "containerPort": 8080}]
    meta = {"name": f"signs-{revision}", "labels": service["spec"]["selector"]}
    kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod_spec(container)})


def test_requests_of_http_2_are_split_by_method_and_weight(kube: Kube, host: str, wait_until: Wait) -> None:
    who = Owner(kube.namespace, "signs", "uid")
    for revision in (OLD, NEW):
        backend(kube, who, revision)
    traffic = {"parentRefs": [{"name": "public"}], "hostnames": [host], "protocol": "GRPC"}
    router = router_for(spec(runtime={"preset": "Triton", "image": "own"}, traffic=traffic))

    def apply(weights: dict[str, int]) -> None:
        objects = router.objects(who, Split(OLD, weights, main_grpc_port=9000), installed=True)
        (manifest,) = [without_owner(dict(one)) for one in objects if one["kind"] == "GRPCRoute"]
        kube.run("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))
        wait_until(lambda: observed(kube))
        assert matches(manifest, kube.get("grpcroute", "signs"))  # nothing to write at rest

    def ask(method: str) -> str:
        url = f"{kube.cluster.gateway_url}/inference.GRPCInferenceService/{method}"
        command = ["curl", "-s", "--max-time", "10", "--http2-prior-knowledge", "-H", f"Host: {host}", "-d", "x", url]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    apply({OLD: 100})
    wait_until(lambda: ask("ModelInfer") == OLD)
    assert OLD not in ask("RepositoryModelUnload")
    apply({OLD: 50, NEW: 50})
    wait_until(lambda: ask("ModelInfer") == NEW)
    assert Counter(ask("ModelInfer") for _ in range(60)).keys() == {OLD, NEW}
    apply({NEW: 100})
    assert {ask("ModelInfer") for _ in range(20)} == {NEW}


def observed(kube: Kube) -> bool:
    """Whether the gateway has taken up the route as it is."""
    route = kube.get("grpcroute", "signs")
    parents = route.get("status", {}).get("parents", [])
    conditions = [one for parent in parents for one in parent["conditions"]]
    generation = route["metadata"]["generation"]
    return bool(conditions) and all((c["status"], c["observedGeneration"]) == ("True", generation) for c in conditions)
