"""A GRPCRoute does what an HTTPRoute with its methods as paths does."""

from __future__ import annotations

from typing import Any

import pytest

from localcluster.gateway.conditions import status_changes
from localcluster.gateway.grpc import as_http
from localcluster.gateway.snapshot import Snapshot
from localcluster.gateway.translation import translate

from .snapshots import backend, endpoint, endpoint_slice, gateway, listener, route, service, snapshot

H2C: dict[str, Any] = {
    "services": [service("a", appProtocol="kubernetes.io/h2c")],
    "slices": [endpoint_slice("a", endpoint("10.0.0.1"))],
}


def grpc(*matches: dict[str, Any], **more: Any) -> dict[str, Any]:
    return route({"backendRefs": [backend("a")], **({"matches": list(matches)} if matches else {})}, **more)


def told(objects: Snapshot) -> dict[str, Any]:
    """The conditions of the only GRPCRoute."""
    _, verdicts = translate(objects)
    found = status_changes(objects, verdicts, address="127.0.0.1", time="2026-01-01T00:00:00Z")
    (change,) = [one for one in found if one.resource == "grpcroutes"]
    return {one["type"]: one for one in change.status["parents"][0]["conditions"]}


@pytest.mark.parametrize(
    ("match", "path"),
    [
        ({"method": {"service": "own.Service", "method": "Ask"}}, {"type": "Exact", "value": "/own.Service/Ask"}),
        ({"method": {"type": "Exact", "service": "own.Service"}}, {"type": "PathPrefix", "value": "/own.Service"}),
        ({"method": {"type": "RegularExpression", "service": "own"}}, {"type": "RegularExpression", "value": ""}),
        ({"method": {"method": "Ask"}}, {"type": "RegularExpression", "value": ""}),
    ],
)
def test_a_method_is_a_path(match: dict[str, Any], path: dict[str, Any]) -> None:
    (rule,) = as_http(grpc(match))["spec"]["rules"]
    assert rule["matches"] == [{"path": path}]


def test_without_a_match_it_takes_all() -> None:
    assert as_http(grpc())["spec"]["rules"][0]["matches"] == [{}]
    header = {"headers": [{"name": "x-group", "value": "b"}]}
    assert as_http(grpc(header))["spec"]["rules"][0]["matches"] == [header]


def test_it_leads_to_a_backend_that_speaks_http_2() -> None:
    configuration, _ = translate(snapshot(grpc_routes=[grpc({"method": {"service": "own.Service"}})], **H2C))
    assert configuration.clusters == {"ns_a_80_h2c": {("127.0.0.1", 8080)}}
    (host,) = configuration.virtual_hosts
    assert host["routes"][0]["match"] == {"path_separated_prefix": "/own.Service"}


def test_it_is_accepted_and_what_is_not_served_is_refused() -> None:
    assert told(snapshot(grpc_routes=[grpc()], **H2C))["Accepted"]["status"] == "True"
    refused = told(snapshot(grpc_routes=[grpc({"method": {"method": "Ask"}})], **H2C))["Accepted"]
    assert (refused["status"], refused["reason"]) == ("False", "UnsupportedValue")
    http_only = gateway(listener(allowedRoutes={"kinds": [{"kind": "HTTPRoute"}]}))
    refused = told(snapshot(grpc_routes=[grpc()], gateways=[http_only], **H2C))["Accepted"]
    assert (refused["status"], refused["reason"]) == ("False", "NotAllowedByListeners")
