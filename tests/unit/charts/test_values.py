"""The values of the chart: what may be set, what it is for, and that the operator knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from rollmodel.settings import Settings

from charts.__main__ import CHART
from charts.values import read

VALUES = CHART / "values.yaml"
TEMPLATES = [path for path in (CHART / "templates").rglob("*") if path.is_file()]
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
#: Parts of Kubernetes' own API, which the API server judges; and what Helm hands to a chart that another depends on.
OPEN = {
    *("affinity", "extraEnv", "extraVolumeMounts", "extraVolumes", "extraObjects", "extraObjects.metadata", "global"),
    *("networkPolicy.egress.extra", "networkPolicy.metricsFrom", "resources.claims", "tolerations"),
}
#: Values that a chart which depends on this one may hand over; nothing here reads them.
OF_OTHERS = {"enabled", "global"}
#: Settings that other values say.
ELSEWHERE = {
    "namespaces": "watch.namespaces",
    "shard": "watch.shard",
    "gateway_api": "features.gatewayApi",
    "grpc_routes": "features.grpcRoutes",
    "inference_pools": "features.inferencePools",
    "keda": "features.keda",
    "kueue": "features.kueue",
    "coordination_namespace": "features.coordination",
    "connection_secrets": "features.connectionSecrets",
    "operator_image": "image",
    "server_image": "serverImage",
    "leader_election": "leaderElection.enabled",
    "lease_namespace": "leaderElection.enabled",
    "lease_name": "fullnameOverride",
    "lease_seconds": "leaderElection.leaseSeconds",
}


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of the schema with its path; items of a list have the path of the list."""
    node = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    yield path, node
    for key, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{key}".lstrip("."))
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from nodes(node[key], path)


def setting_of(path: str) -> str:
    """The name of the setting that a value below ``settings`` is."""
    words = path.removeprefix("settings.").replace(".login.", ".")
    words = re.sub(r"(username|password|token)Key$", r"\1", words)
    return re.sub(r"[.]|(?=[A-Z])", "_", words).lower()


def settings_values() -> dict[str, dict[str, Any]]:
    """Setting -> the part of the schema for it."""
    found = {
        setting_of(path): node
        for path, node in nodes(SCHEMA)
        if path.startswith("settings.") and "properties" not in node and not path.endswith("secretName")
    }
    assert len(found) > 10
    return found


def test_nothing_but_parts_of_kubernetes_is_open() -> None:
    assert {path for path, node in nodes(SCHEMA) if node.get("type") == "object" and closed(node) is False} == OPEN


def closed(node: dict[str, Any]) -> bool:
    return node.get("additionalProperties", True) is not True


def test_the_schema_knows_the_values_and_no_others() -> None:
    explained = {value.name for value in read(VALUES.read_text())}
    known = {path for path, node in nodes(SCHEMA) if path and "properties" not in node}
    assert known - OF_OTHERS == {path for path in known if explained & set(beginnings(path))}
    assert explained <= {path for path, _ in nodes(SCHEMA)}


def beginnings(path: str) -> Iterator[str]:
    words = path.split(".")
    return (".".join(words[: count + 1]) for count in range(len(words)))


def test_the_settings_are_those_of_the_operator() -> None:
    assert set(settings_values()) | set(ELSEWHERE) == set(Settings.model_fields)


@pytest.mark.parametrize(("setting", "node"), settings_values().items(), ids=settings_values())
def test_a_setting_has_the_bounds_of_the_operator(setting: str, node: dict[str, Any]) -> None:
    theirs = Settings.model_json_schema()["properties"][setting]
    choice = next((one for one in theirs.get("anyOf", [theirs]) if one.get("type") != "null"), theirs)
    assert [node.get(key) for key in ("minimum", "maximum")] == [choice.get(key) for key in ("minimum", "maximum")]
    if "enum" in choice:
        assert node["enum"] == [*choice["enum"], None]


def test_the_default_that_a_comment_tells_is_the_operators() -> None:
    told = {
        setting_of(value.name): found[1]
        for value in read(VALUES.read_text())
        if (found := re.search(r"\(operator's default: (\S+?)\)", value.text))
    }
    theirs = {name: field.default for name, field in Settings.model_fields.items() if name in told}
    assert len(told) == 22
    assert {name: str(value).removesuffix(".0") for name, value in theirs.items()} == told


def test_a_value_that_nobody_explains_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no comment above: a\.c"):
        read("## One\n\na:\n  # What b is.\n  b: 1\n  c: 2\n")


def test_values_are_read_with_what_they_are_for() -> None:
    (first, second) = read("## One\n\n# About\n# a.\na: {b: 1}\n\n## Two\nc:\n  # About d.\n  d: null\n")
    assert (first.name, first.text, first.default, first.section) == ("a", "About a.", {"b": 1}, "One")
    assert (second.name, second.text, second.default, second.section) == ("c.d", "About d.", None, "Two")


def test_rendering_asks_the_cluster_nothing() -> None:
    """Argo CD, Flux and `helm template` render away from it."""
    asks = re.compile(r"\{\{[^}]*(\blookup\b|\.Capabilities\.APIVersions)")
    assert len(TEMPLATES) > 20
    assert [path.name for path in TEMPLATES if asks.search(path.read_text())] == []
    assert asks.search('{{ if (lookup "v1" "Secret" "a" "b") }}')
