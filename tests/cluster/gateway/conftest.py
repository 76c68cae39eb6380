"""A gateway with two backends that say who they are."""

import http.client
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from localcluster import Cluster
from tests.support.pods import Kube, Wait, pod_spec

GROUP = "gateway.networking.k8s.io/v1"
SERVER = """
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # headers and body in one packet
    def do_GET(self):
        if self.path.startswith("/slow"):
            print("slow request arrived", flush=True)
            time.sleep(1)
        body = (self.path if self.path.startswith("/echo") else os.environ["NAME"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer((os.environ["ROLLMODEL_LISTEN_ADDRESS"], 8080), Handler).serve_forever()
"""


Program = Callable[..., dict[str, Any]]


class Traffic:
    """A client of the gateway, which asks for one host."""

    def __init__(self, url: str, host: str) -> None:
        self._address, self._host = urlsplit(url).netloc, host

    def get(self, path: str = "/", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._address, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": self._host, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def count(self, requests: int) -> Counter[tuple[int, str]]:
        """How often each (status, body) came, over one connection."""
        connection = http.client.HTTPConnection(self._address, timeout=10)
        counts: Counter[tuple[int, str]] = Counter()
        for _ in range(requests):
            connection.request("GET", "/", headers={"Host": self._host})
            answer = connection.getresponse()
            counts[answer.status, answer.read().decode()] += 1
        connection.close()
        return counts


@pytest.fixture(scope="session")
def kube(cluster: Cluster, wait_until: Wait) -> Iterator[Kube]:
    """Services a and b, each with one Pod that answers with its name, and a Gateway named public."""
    cluster.ensure("node", "gateway")
    kube = Kube(cluster, f"gateway-{secrets.token_hex(4)}")
    cluster.kubectl("create", "namespace", kube.namespace)
    wait_until(lambda: kube.run("get", "serviceaccounts", "-o", "name"))
    for name in ("a", "b"):
        kube.create(pod(name))
        ports = [{"port": 80, "targetPort": 8080}]
        spec = {"selector": {"app": name}, "ports": ports}
        kube.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    spec = {"gatewayClassName": "rollmodel-local", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}
    kube.create({"apiVersion": GROUP, "kind": "Gateway", "metadata": {"name": "public"}, "spec": spec})
    wait_until(lambda: all(ready_endpoints(kube, name) == 1 for name in ("a", "b")))
    yield kube
    cluster.kubectl("delete", "namespace", kube.namespace, "--wait=false")


def pod(name: str) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "python",
        "command": ["python", "-c", SERVER],
        "env": [{"name": "NAME", "value": name}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(container)}


@pytest.fixture
def host() -> str:
    """Every test has a host of its own: of two routes with the same host the older would win."""
    return f"{secrets.token_hex(4)}.example.com"


@pytest.fixture
def traffic(kube: Kube, host: str) -> Traffic:
    return Traffic(kube.cluster.gateway_url, host)


def ready_endpoints(kube: Kube, service: str) -> int:
    slices = kube.get("endpointslices", "-l", f"kubernetes.io/service-name={service}")["items"]
    return sum(endpoint["conditions"]["ready"] for item in slices for endpoint in item["endpoints"] or [])


@pytest.fixture
def program(kube: Kube, host: str, wait_until: Wait) -> Iterator[Program]:
    """Apply rules as the HTTPRoute of this name, wait until they are observed, give back the conditions by type."""

    def apply(*rules: dict[str, Any], name: str = "model") -> dict[str, Any]:
        hostname = host if name == "model" else f"{name}.{host}"
        spec = {"parentRefs": [{"name": "public"}], "hostnames": [hostname], "rules": list(rules)}
        metadata = {"name": name, "namespace": kube.namespace}
        route = {"apiVersion": GROUP, "kind": "HTTPRoute", "metadata": metadata, "spec": spec}
        kube.run("apply", "-f", "-", stdin=json.dumps(route))
        wait_until(lambda: observed(kube, name))
        [parent] = kube.get("httproute", name)["status"]["parents"]
        return {condition["type"]: condition for condition in parent["conditions"]}

    yield apply
    kube.run("delete", "httproutes", "--all")


def observed(kube: Kube, name: str) -> bool:
    """Whether the status speaks of the generation that the route has."""
    route = kube.get("httproute", name)
    parents = route.get("status", {}).get("parents", [])
    generations = {c["observedGeneration"] for parent in parents for c in parent["conditions"]}
    return generations == {route["metadata"]["generation"]}
