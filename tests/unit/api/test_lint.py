"""The rules of kube-api-linter that apply to a CRD, over the generated files.

https://github.com/kubernetes-sigs/kube-api-linter/blob/main/docs/linters.md, and the Kubernetes API conventions.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.yaml_text import from_yaml

CRDS = sorted((Path(__file__).parents[3] / "crds").glob("*.yaml"))
DEFINITIONS = {path.stem: from_yaml(path.read_text()) for path in CRDS}

Schema = dict[str, Any]
Node = tuple[str, Schema]


def _version(definition: Schema) -> Schema:
    (version,) = definition["spec"]["versions"]
    assert isinstance(version, dict)
    return version


def _below(path: str, schema: Schema) -> Iterator[Node]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _below(f"{path}.{name}", child)
    for part in ("items", "additionalProperties"):
        if part in schema:
            yield from _below(f"{path}[]", schema[part])


def _nodes(definition: Schema, *parts: str) -> list[Node]:
    properties = _version(definition)["schema"]["openAPIV3Schema"]["properties"]
    return [node for part in parts for node in _below(part, properties[part])]


def _everything(definition: Schema) -> list[Node]:
    return _nodes(definition, "spec", "status")


@pytest.fixture(params=DEFINITIONS)
def definition(request: pytest.FixtureRequest) -> Schema:
    found: Schema = DEFINITIONS[request.param]
    return found


def _offenders(nodes: list[Node], bad: Callable[[Schema], bool]) -> list[str]:
    return [path for path, schema in nodes if bad(schema)]


def test_there_are_three() -> None:
    assert sorted(DEFINITIONS) == ["driftpolicies", "modeldeployments", "trainingjobs"]


def test_conditions_have_the_standard_shape(definition: Schema) -> None:
    conditions = dict(_nodes(definition, "status"))["status.conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    items = conditions["items"]
    assert set(items["properties"]) == {
        "type",
        "status",
        "observedGeneration",
        "lastTransitionTime",
        "reason",
        "message",
    }
    assert set(items["required"]) == {"type", "status", "lastTransitionTime", "reason", "message"}
    assert items["properties"]["status"]["enum"] == ["True", "False", "Unknown"]
    assert items["properties"]["lastTransitionTime"]["format"] == "date-time"
    assert items["properties"]["reason"]["minLength"] == 1


def test_no_phase(definition: Schema) -> None:
    assert not [path for path, _ in _everything(definition) if path.rsplit(".", 1)[-1].lower() == "phase"]


def test_no_floats(definition: Schema) -> None:
    assert not _offenders(_everything(definition), lambda schema: schema.get("type") == "number")


def test_no_booleans(definition: Schema) -> None:
    assert not _offenders(_everything(definition), lambda schema: schema.get("type") == "boolean")


def test_no_nulls(definition: Schema) -> None:
    assert not _offenders(_everything(definition), lambda schema: "nullable" in schema)


def test_strings_have_a_maximum_length(definition: Schema) -> None:
    def unbounded(schema: Schema) -> bool:
        text = schema.get("type") == "string" or schema.get("x-kubernetes-int-or-string")
        return bool(text) and not {"maxLength", "enum"} & set(schema)

    assert not _offenders(_everything(definition), unbounded)


def test_numbers_have_both_bounds(definition: Schema) -> None:
    def unbounded(schema: Schema) -> bool:
        return schema.get("type") == "integer" and not {"minimum", "maximum", "format"} <= set(schema)

    assert not _offenders(_everything(definition), unbounded)


def test_lists_have_a_type_and_a_maximum(definition: Schema) -> None:
    def loose(schema: Schema) -> bool:
        return schema.get("type") == "array" and not {"x-kubernetes-list-type", "maxItems"} <= set(schema)

    assert not _offenders(_everything(definition), loose)


def test_lists_of_objects_are_maps_or_atomic(definition: Schema) -> None:
    def wrong(schema: Schema) -> bool:
        if schema.get("type") != "array" or schema["items"].get("type") != "object":
            return False
        keys, items = set(schema.get("x-kubernetes-list-map-keys", [])), schema["items"]
        defaulted = {name for name, field in items.get("properties", {}).items() if "default" in field}
        always_there = defaulted.union(items.get("required", ()))
        return not (schema["x-kubernetes-list-type"] == "atomic" or (keys and keys <= always_there))

    assert not _offenders(_everything(definition), wrong)


def test_no_maps_of_objects(definition: Schema) -> None:
    def wrong(schema: Schema) -> bool:
        return bool(schema.get("additionalProperties", {}).get("type") == "object")

    assert not _offenders(_everything(definition), wrong)


def test_maps_have_a_maximum(definition: Schema) -> None:
    assert not _offenders(
        _everything(definition), lambda schema: "additionalProperties" in schema and "maxProperties" not in schema
    )


def test_optional_fields_have_no_null_default_and_required_ones_no_default(definition: Schema) -> None:
    for path, schema in _everything(definition):
        for name, child in schema.get("properties", {}).items():
            assert not (name in schema.get("required", ()) and "default" in child), f"{path}.{name}"
            assert child.get("default", 0) is not None, f"{path}.{name}"


def test_status_has_no_defaults_but_its_birth_value(definition: Schema) -> None:
    (path, status), *below = _nodes(definition, "status")
    assert (path, status["default"]) == ("status", {"observedGeneration": -1})
    assert not _offenders(below, lambda schema: "default" in schema)


def test_status_is_a_subresource(definition: Schema) -> None:
    assert _version(definition)["subresources"]["status"] == {}


def test_every_field_says_what_it_means(definition: Schema) -> None:
    silent = [
        path
        for path, schema in _everything(definition)
        if not path.endswith("[]") and not schema.get("description", "").endswith((".", ":"))
    ]
    assert not silent


def test_names_are_camel_case_and_references_end_in_ref(definition: Schema) -> None:
    for path, schema in _nodes(definition, "spec"):
        name = path.rsplit(".", 1)[-1].removesuffix("[]")
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name), path
        if list(schema.get("properties", {})) == ["name"] and not path.endswith("[]"):
            assert name.endswith("Ref"), path


def test_durations_are_integers_with_their_unit(definition: Schema) -> None:
    for path, schema in _nodes(definition, "spec"):
        if re.search(r"(?<!Per)(timeout|interval|deadline|delay|cooldown|period)$", path, re.IGNORECASE):
            pytest.fail(f"{path} does not name its unit")
        if path.endswith("Seconds"):
            kind = schema["items"]["type"] if schema["type"] == "array" else schema["type"]
            assert kind == "integer" or path.endswith("slowerThanSeconds"), path


def test_words_survive_yaml_1_1(definition: Schema) -> None:
    """kubectl reads YAML 1.1, where a bare ``Off`` or ``Yes`` is a boolean."""
    for path, schema in _nodes(definition, "spec"):
        for word in schema.get("enum", []):
            assert from_yaml(word) == word, path


def test_rules_say_what_is_allowed_on_one_line(definition: Schema) -> None:
    root = ("", _version(definition)["schema"]["openAPIV3Schema"])
    rules = [
        (path, rule)
        for path, schema in [root, *_everything(definition)]
        for rule in schema.get("x-kubernetes-validations", [])
    ]
    assert rules
    for path, rule in rules:
        assert rule["message"].startswith(("must have ", "must be ", "must begin ", "must not ")), path
        assert "\n" not in rule["message"], path


def test_it_fits_into_the_annotation_of_kubectl_apply(definition: Schema) -> None:
    """There it is JSON; half of the room is left for releases to come."""
    assert len(json.dumps(definition, separators=(",", ":"))) < 262_144 / 2


def test_columns_exist_in_the_schema(definition: Schema) -> None:
    """A column with a wrong path stays empty without a word."""
    known = {path for path, _ in _everything(definition)}
    for column in _version(definition)["additionalPrinterColumns"]:
        path = re.sub(r"\[[^\]]*\]", "[]", column["jsonPath"]).removeprefix(".")
        assert path in known or path == "metadata.creationTimestamp", column


def test_scale_paths_exist_in_the_schema() -> None:
    definition = DEFINITIONS["modeldeployments"]
    known = {path for path, _ in _everything(definition)}
    assert {path.removeprefix(".") for path in _version(definition)["subresources"]["scale"].values()} <= known
