"""Which routes are served under which hostnames."""

from typing import Any

import pytest

from localcluster.gateway.attachment import attachments, intersect
from localcluster.gateway.translation import translate

from .snapshots import CLASS, FOREIGN_CLASS, backend, gateway, listener, route, snapshot

RULE = {"backendRefs": [backend("a")]}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("*", "*", "*"),
        ("a.example", "*", "a.example"),
        ("a.example", "a.example", "a.example"),
        ("a.example", "b.example", None),
        ("a.example", "*.example", "a.example"),
        ("x.a.example", "*.example", "x.a.example"),
        ("example", "*.example", None),
        ("*.a.example", "*.example", "*.a.example"),
        ("*.a.example", "*.b.example", None),
        ("badexample", "*.example", None),
    ],
)
def test_hostnames_intersect(one: str, other: str, expected: str | None) -> None:
    assert intersect(one, other) == expected
    assert intersect(other, one) == expected


@pytest.mark.parametrize(
    ("listeners", "spec", "hostnames"),
    [
        ([listener()], {}, ("*",)),
        ([listener()], {"hostnames": ["a.example", "b.example"]}, ("a.example", "b.example")),
        ([listener(hostname="*.example")], {}, ("*.example",)),
        ([listener(hostname="*.example")], {"hostnames": ["a.example", "a.other"]}, ("a.example",)),
        ([listener("x", hostname="a.example"), listener("y", hostname="b.example")], {}, ("a.example", "b.example")),
        (
            [listener("x", hostname="a.example"), listener("y", hostname="b.example")],
            {"parentRefs": [{"name": "public", "sectionName": "y"}]},
            ("b.example",),
        ),
        (
            [listener("x", hostname="a.example"), listener("y", hostname="b.example", port=81)],
            {"parentRefs": [{"name": "public", "port": 81}]},
            ("b.example",),
        ),
    ],
)
def test_the_hostnames_of_an_accepted_route(listeners: Any, spec: Any, hostnames: Any) -> None:
    found = route(RULE, **spec)
    [attachment] = attachments(found, snapshot(found, gateways=[gateway(*listeners)]))
    assert (attachment.refused, attachment.hostnames) == (None, hostnames)


@pytest.mark.parametrize(
    ("listeners", "spec", "reason"),
    [
        ([listener()], {"parentRefs": [{"name": "public", "sectionName": "none"}]}, "NoMatchingParent"),
        ([listener()], {"parentRefs": [{"name": "public", "port": 81}]}, "NoMatchingParent"),
        ([listener(protocol="HTTPS")], {}, "NoMatchingParent"),
        ([listener(hostname="a.example")], {"hostnames": ["b.example"]}, "NoMatchingListenerHostname"),
        ([listener(allowedRoutes={"kinds": [{"kind": "GRPCRoute"}]})], {}, "NotAllowedByListeners"),
        (
            [listener()],
            {"namespace": "elsewhere", "parentRefs": [{"name": "public", "namespace": "ns"}]},
            "NotAllowedByListeners",
        ),
        ([listener(allowedRoutes={"namespaces": {"from": "Selector"}})], {}, "NotAllowedByListeners"),
    ],
)
def test_why_a_route_is_refused(listeners: Any, spec: Any, reason: str) -> None:
    found = route(RULE, **spec)
    objects = snapshot(found, gateways=[gateway(*listeners)])
    [attachment] = attachments(found, objects)
    assert attachment.refused is not None
    assert attachment.refused.reason == reason
    assert translate(objects)[0].virtual_hosts == []


def test_routes_of_all_namespaces_where_the_listener_allows_them() -> None:
    found = route(RULE, namespace="elsewhere", parentRefs=[{"name": "public", "namespace": "ns"}])
    public = gateway(listener(allowedRoutes={"namespaces": {"from": "All"}}))
    [attachment] = attachments(found, snapshot(found, gateways=[public]))
    assert attachment.refused is None


@pytest.mark.parametrize(
    ("classes", "parent"),
    [
        ([CLASS], {"name": "none"}),
        ([CLASS], {"name": "public", "namespace": "elsewhere"}),
        ([CLASS], {"name": "public", "kind": "Service", "group": ""}),
        ([FOREIGN_CLASS], {"name": "public"}),
        ([], {"name": "public"}),
    ],
)
def test_parents_that_are_none_of_our_business(classes: Any, parent: Any) -> None:
    found = route(RULE, parentRefs=[parent])
    assert attachments(found, snapshot(found, classes=classes)) == []


def test_each_hostname_is_a_host_of_its_own() -> None:
    first = route(RULE, name="one", hostnames=["a.example", "b.example"])
    second = route({"backendRefs": [backend("b")]}, name="two", hostnames=["b.example"])
    configuration, _ = translate(snapshot(first, second))
    assert {host["name"]: len(host["routes"]) for host in configuration.virtual_hosts} == {
        "a.example": 1,
        "b.example": 2,
    }
