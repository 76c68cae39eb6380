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

from tests.support.pods import Kube, Wait, pod_spec
from tests.support.simulation.rollouts import spec

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

OLD, NEW = "bbbbbbbb", "cccccccc"
#: Preface, SETTINGS, and to each request (HEADERS, 0x1) `:status: 200` (index 8 of HPACK's table) and the name.
SERVER = """
import os, socketserver
def frame(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.read(24)
        self.wfile.write(frame(4, 0, 0))
        while head := self.rfile.read(9):
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            self.rfile.read(int.from_bytes(head[:3], "big"))
            if kind == 4 and not flags & 1:
                self.wfile.write(frame(4, 1, 0))
            if kind in (0, 1) and flags & 1:
                name = os.environ["NAME"].encode()
                self.wfile.write(frame(1, 4, stream, b"\\x88") + frame(0, 1, stream, name))
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server((os.environ["ROLLMODEL_LISTEN_ADDRESS"], 9000), Handler).serve_forever()
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
