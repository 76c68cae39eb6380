"""From backendRefs to endpoints."""

from typing import Any

import pytest

from localcluster.gateway.backends import Backends
from localcluster.gateway.snapshot import Reason, Snapshot

from .snapshots import backend, endpoint, endpoint_slice, service


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ([], set()),
        ([endpoint_slice("a")], set()),
        ([endpoint_slice("a", endpoint("10.244.0.1", ready=True))], {("127.244.0.1", 8080)}),
        ([endpoint_slice("a", endpoint("10.244.0.1"))], {("127.244.0.1", 8080)}),
        ([endpoint_slice("a", {"addresses": ["10.244.0.1"]})], {("127.244.0.1", 8080)}),
        ([endpoint_slice("a", endpoint("10.244.0.1", ready=False, serving=True))], set()),
        (
            [endpoint_slice("a", endpoint("10.244.0.1")), endpoint_slice("a", endpoint("10.244.0.2"), port=9090)],
            {("127.244.0.1", 8080), ("127.244.0.2", 9090)},
        ),
        ([endpoint_slice("a", endpoint("192.0.2.1"))], {("192.0.2.1", 8080)}),
        ([endpoint_slice("b", endpoint("10.244.0.1"))], set()),
        ([endpoint_slice("a", endpoint("10.244.0.1"), name="other")], set()),
        ([endpoint_slice("a") | {"endpoints": None}], set()),
    ],
)
def test_ready_endpoints(slices: Any, expected: Any) -> None:
    backends = Backends(Snapshot(services=[service("a")], slices=slices))
    assert backends.resolve(backend("a"), "ns") == "ns_a_80"
    assert backends.clusters == {"ns_a_80": expected}


def test_the_port_of_the_service_is_found_by_its_name() -> None:
    slices = [endpoint_slice("a", endpoint("10.244.0.1"), name="http"), endpoint_slice("a", endpoint("10.244.0.2"))]
    backends = Backends(Snapshot(services=[service("a", name="http")], slices=slices))
    backends.resolve(backend("a"), "ns")
    assert backends.clusters == {"ns_a_80": {("127.244.0.1", 8080)}}


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (backend("none"), "BackendNotFound"),
        (backend("a", port=81), "BackendNotFound"),
        ({"name": "a"}, "BackendNotFound"),
        (backend("a", namespace="elsewhere"), "RefNotPermitted"),
        (backend("a", kind="InferencePool", group="inference.networking.k8s.io"), "InvalidKind"),
    ],
)
def test_what_does_not_resolve(reference: Any, reason: str) -> None:
    backends = Backends(Snapshot(services=[service("a")]))
    resolved = backends.resolve(reference, "ns")
    assert isinstance(resolved, Reason)
    assert resolved.reason == reason
    assert backends.clusters == {}
