"""From HTTPRoutes to Envoy's virtual hosts."""

from typing import Any

import pytest

from localcluster.gateway.routes import duration_seconds
from localcluster.gateway.translation import translate

from .snapshots import backend, route, snapshot


def only_host(*routes: dict[str, Any]) -> list[dict[str, Any]]:
    configuration, _ = translate(snapshot(*routes))
    [host] = configuration.virtual_hosts
    assert (host["name"], host["domains"]) == ("any", ["*"])
    found: list[dict[str, Any]] = host["routes"]
    return found


def only_action(rule: dict[str, Any]) -> dict[str, Any]:
    [found] = only_host(route(rule))
    return found


def weights(action: dict[str, Any]) -> dict[str, int]:
    return {item["name"]: item["weight"] for item in action["route"]["weighted_clusters"]["clusters"]}


@pytest.mark.parametrize(
    ("backends", "expected"),
    [
        ([backend("a")], {"ns_a_80": 1}),
        ([backend("a"), backend("b")], {"ns_a_80": 1, "ns_b_80": 1}),
        ([backend("a", 9), backend("b")], {"ns_a_80": 9, "ns_b_80": 1}),
        ([backend("a", 95), backend("b", 5)], {"ns_a_80": 95, "ns_b_80": 5}),
        ([backend("a", 999_999), backend("b", 1)], {"ns_a_80": 999_999, "ns_b_80": 1}),
        ([backend("a", 100), backend("b", 0)], {"ns_a_80": 100}),
        ([backend("a", 90), backend("gone", 10)], {"ns_a_80": 90, "invalid": 10}),
        ([backend("a", 90), backend("gone", 0)], {"ns_a_80": 90}),
        ([backend("gone", 1)], {"invalid": 1}),
        ([backend("a", port=81)], {"invalid": 1}),
        ([backend("a", namespace="elsewhere")], {"invalid": 1}),
        ([backend("a", kind="Pool", group="x.example")], {"invalid": 1}),
    ],
)
def test_weights(backends: Any, expected: Any) -> None:
    action = only_action({"backendRefs": backends})
    assert weights(action) == expected
    assert action["route"]["cluster_not_found_response_code"] == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("backends", [[], [backend("a", 0)], [backend("a", 0), backend("b", 0)], [backend("gone", 0)]])
def test_without_any_weight_the_answer_is_500(backends: Any) -> None:
    assert only_action({"backendRefs": backends}) == {"match": {"prefix": "/"}, "direct_response": {"status": 500}}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, {"prefix": "/"}),
        ({"path": {"type": "PathPrefix", "value": "/"}}, {"prefix": "/"}),
        ({"path": {"type": "PathPrefix", "value": "/a"}}, {"path_separated_prefix": "/a"}),
        ({"path": {"type": "PathPrefix", "value": "/a/"}}, {"path_separated_prefix": "/a"}),
        ({"path": {"type": "Exact", "value": "/a/"}}, {"path": "/a/"}),
        (
            {"headers": [{"name": "X-Arm", "value": "new"}], "method": "POST"},
            {
                "prefix": "/",
                "headers": [
                    {"name": "X-Arm", "string_match": {"exact": "new"}},
                    {"name": ":method", "string_match": {"exact": "POST"}},
                ],
            },
        ),
        (
            {"queryParams": [{"type": "Exact", "name": "q", "value": "1"}]},
            {"prefix": "/", "query_parameters": [{"name": "q", "string_match": {"exact": "1"}}]},
        ),
    ],
)
def test_matches(match: Any, expected: Any) -> None:
    assert only_action({"matches": [match], "backendRefs": [backend("a")]})["match"] == expected


WHOLE_PATH = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/other"}}}


def rewrite(to: str) -> dict[str, Any]:
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": to}
    return {"type": "URLRewrite", "urlRewrite": {"path": path}}


@pytest.mark.parametrize(("prefix", "regex"), [("/v1.0", r"^/v1\.0(/+|$)"), ("/a/", "^/a(/+|$)"), ("/", None)])
def test_a_prefix_is_taken_away(prefix: str, regex: str | None) -> None:
    matches = [{"path": {"type": "PathPrefix", "value": prefix}}]
    action = only_action({"matches": matches, "filters": [rewrite("/")], "backendRefs": [backend("a")]})
    wanted = {"pattern": {"regex": regex}, "substitution": "/"} if regex else None
    assert action["route"].get("regex_rewrite") == wanted


@pytest.mark.parametrize(
    ("prefix", "new", "regex", "substitution"),
    [("/v1.0/a", "/a", r"^/v1\.0/a(/|$)", r"/a\1"), ("/m/a/", "/b/c/", "^/m/a(/|$)", r"/b/c\1")],
)
def test_a_prefix_becomes_another(prefix: str, new: str, regex: str, substitution: str) -> None:
    matches = [{"path": {"type": "PathPrefix", "value": prefix}}]
    action = only_action({"matches": matches, "filters": [rewrite(new)], "backendRefs": [backend("a")]})
    assert action["route"]["regex_rewrite"] == {"pattern": {"regex": regex}, "substitution": substitution}


@pytest.mark.parametrize(
    ("mirror", "millionths"),
    [
        ({}, 1_000_000),
        ({"percent": 10}, 100_000),
        ({"percent": 0}, 0),
        ({"fraction": {"numerator": 1, "denominator": 1000}}, 1000),
        ({"fraction": {"numerator": 5}}, 50_000),
    ],
)
def test_mirrors(mirror: Any, millionths: int) -> None:
    filters = [{"type": "RequestMirror", "requestMirror": {"backendRef": backend("b"), **mirror}}]
    action = only_action({"filters": filters, "backendRefs": [backend("a")]})
    [policy] = action["route"]["request_mirror_policies"]
    assert policy["cluster"] == "ns_b_80"
    assert policy["runtime_fraction"] == {"default_value": {"numerator": millionths, "denominator": "MILLION"}}
    assert weights(action) == {"ns_a_80": 1}


def test_a_mirror_that_does_not_exist_is_left_out_and_told() -> None:
    filters = [{"type": "RequestMirror", "requestMirror": {"backendRef": backend("gone")}}]
    configuration, [verdict] = translate(snapshot(route({"filters": filters, "backendRefs": [backend("a")]})))
    assert "request_mirror_policies" not in configuration.virtual_hosts[0]["routes"][0]["route"]
    assert [problem.reason for problem in verdict.unresolved] == ["BackendNotFound"]


@pytest.mark.parametrize(
    ("timeouts", "expected"),
    [
        ({}, "15.000s"),
        ({"request": "500ms"}, "0.500s"),
        ({"request": "0s"}, "0.000s"),
        ({"request": "1m30s", "backendRequest": "10s"}, "90.000s"),
        ({"backendRequest": "10s"}, "10.000s"),
    ],
)
def test_timeouts(timeouts: Any, expected: str) -> None:
    assert only_action({"timeouts": timeouts, "backendRefs": [backend("a")]})["route"]["timeout"] == expected


@pytest.mark.parametrize(("text", "seconds"), [("1h", 3600), ("1h1m1s1ms", 3661.001), ("10ms", 0.01), ("0s", 0)])
def test_durations(text: str, seconds: float) -> None:
    assert duration_seconds(text) == pytest.approx(seconds)


def rule(service: str, *matches: dict[str, Any]) -> dict[str, Any]:
    return {"matches": list(matches), "backendRefs": [backend(service)]}


EXACT = {"path": {"type": "Exact", "value": "/a"}}
SHORT = {"path": {"type": "PathPrefix", "value": "/a"}}
LONG = {"path": {"type": "PathPrefix", "value": "/a/b/c/d"}}
METHOD = {**SHORT, "method": "GET"}
HEADER = {**SHORT, "headers": [{"name": "x", "value": "1"}]}
HEADERS = {**SHORT, "headers": [{"name": "x", "value": "1"}, {"name": "y", "value": "1"}]}
QUERY = {**SHORT, "queryParams": [{"name": "x", "value": "1"}]}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (EXACT, LONG),
        (LONG, SHORT),
        (LONG, HEADERS),
        (METHOD, HEADERS),
        (HEADERS, HEADER),
        (HEADER, QUERY),
        (QUERY, SHORT),
        (SHORT, {}),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("routes", [1, 2])
def test_the_more_specific_match_comes_first(first: Any, second: Any, turned: bool, routes: int) -> None:
    rules = [rule("a", first), rule("b", second)]
    if turned:
        rules.reverse()
    objects = [route(*rules)] if routes == 1 else [route(item, name=f"r{n}") for n, item in enumerate(rules)]
    assert [list(weights(found)) for found in only_host(*objects)] == [["ns_a_80"], ["ns_b_80"]]


@pytest.mark.parametrize(
    "objects",
    [
        [route(rule("a", SHORT), rule("b", SHORT))],
        [route(rule("b", SHORT), created="2026-01-02T00:00:00Z"), route(rule("a", SHORT), name="z")],
        [route(rule("b", SHORT), name="y"), route(rule("a", SHORT), name="x")],
    ],
    ids=["order of rules", "older route", "name of route"],
)
def test_ties(objects: Any) -> None:
    assert [list(weights(found)) for found in only_host(*objects)] == [["ns_a_80"], ["ns_b_80"]]
    assert only_host(*objects) == only_host(*reversed(objects))


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"filters": [{"type": "RequestRedirect"}], "backendRefs": [backend("a")]}, "RequestRedirect"),
        ({"filters": [WHOLE_PATH], "backendRefs": [backend("a")]}, "URLRewrite"),
        ({"backendRefs": [backend("a", filters=[{"type": "RequestMirror"}])]}, "backendRef"),
        ({"matches": [{"path": {"type": "RegularExpression", "value": ".*"}}]}, "RegularExpression"),
        ({"matches": [{"headers": [{"type": "RegularExpression", "name": "x", "value": ".*"}]}]}, "RegularExpression"),
    ],
)
def test_what_is_not_supported_is_refused_and_not_served(rule: Any, word: str) -> None:
    configuration, [verdict] = translate(snapshot(route(rule)))
    assert configuration.virtual_hosts == []
    assert verdict.unsupported is not None
    assert verdict.unsupported.reason == "UnsupportedValue"
    assert word in verdict.unsupported.message
