"""docs/reference/api.md: every field with its type, default, limits and meaning, from the same schema as the CRD."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from rollmodel.api.crd.structural import default_words, quoted_words

__all__ = ["reference"]

Schema = Mapping[str, Any]

_INTRODUCTION = """# Fields of the three kinds

Generated from `operator/rollmodel/api` by `python -m rollmodel crds crds`. Do not edit.

Group `{group}`, version `{version}`, category `{category}` (`kubectl get {category}`). Decimals are strings.
`[]` is an item of a list, `.*` a value of a map. The API server checks every limit; unknown fields are refused
by `kubectl apply` (strict validation) and dropped otherwise.
"""

_HEADER = "| Field | Type | Default | Limits | Meaning |\n|---|---|---|---|---|\n"


def reference(definitions: Sequence[Mapping[str, Any]]) -> str:
    """The page for these CustomResourceDefinitions."""
    spec = definitions[0]["spec"]
    introduction = _INTRODUCTION.format(
        group=spec["group"], version=spec["versions"][0]["name"], category=spec["names"]["categories"][0]
    )
    return "\n".join([introduction, *(_kind(definition["spec"]) for definition in definitions)])


def _kind(spec: Mapping[str, Any]) -> str:
    names = spec["names"]
    root = spec["versions"][0]["schema"]["openAPIV3Schema"]
    lines = [f"## {names['kind']}\n\n{root['description']} Short name `{names['shortNames'][0]}`.\n"]
    name = root["properties"]["metadata"]["properties"]["name"]
    lines += [f"- `metadata.name` {rule['message']}." for rule in name["x-kubernetes-validations"]]
    lines += [f"- The object {rule['message']}." for rule in root.get("x-kubernetes-validations", ())]
    for part in ("spec", "status"):
        rows = "".join(_rows(part, root["properties"][part], required=False))
        lines.append(f"\n### {names['kind']} {part}\n\n{_HEADER}{rows}")
    return "\n".join(lines)


def _rows(path: str, schema: Schema, *, required: bool) -> Iterator[str]:
    if path not in ("spec", "status"):
        default = "**required**" if required else _code(schema["default"]) if schema.get("default", {}) != {} else ""
        cells = (f"`{path}`", _type(schema), default, _limits(schema), _meaning(schema))
        yield f"| {' | '.join(_cell(text) for text in cells)} |\n"
    for name, child in schema.get("properties", {}).items():
        yield from _rows(f"{path}.{name}", child, required=name in schema.get("required", ()))
    for suffix, child in (("[]", schema.get("items")), (".*", schema.get("additionalProperties"))):
        if child:
            yield from _nested_rows(f"{path}{suffix}", child)


def _meaning(schema: Schema) -> str:
    """The description without what has a column of its own here: the default, and that a number is in quotes."""
    description = str(schema.get("description", ""))
    plain, found, _ = description.rpartition(" Default: ")
    if found and description == plain + default_words({**schema, "description": plain}):
        description = plain
    return description.removesuffix(quoted_words(schema))


def _nested_rows(path: str, schema: Schema) -> Iterator[str]:
    """Items that are objects show their fields; other items show themselves where they have limits of their own."""
    rows = _rows(path, schema, required=False)
    if "properties" in schema and "x-kubernetes-validations" not in schema:
        next(rows)
    yield from rows


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    if schema["type"] == "array":
        return f"list of {_plural(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_plural(schema['additionalProperties'])}"
    return "time" if schema.get("format") == "date-time" else str(schema["type"])


def _plural(schema: Schema) -> str:
    return "words" if "enum" in schema else f"{_type(schema)}s".replace("ys", "ies")


def _limits(schema: Schema) -> str:
    rules = [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]
    return "; ".join([*_bounds(schema), *rules])


def _bounds(schema: Schema) -> Iterator[str]:
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minProperties", "maxProperties", " keys"),
    ):
        if high in schema:
            yield f"{schema[low]} to {schema[high]}{unit}" if low in schema else f"at most {schema[high]}{unit}"
    keys = schema.get("x-kubernetes-list-map-keys")
    if keys:
        yield f"unique by {' and '.join(f'`{key}`' for key in keys)}"
    elif schema.get("x-kubernetes-list-type") == "set":
        yield "no duplicates"
    if "pattern" in schema:
        yield f"`{schema['pattern']}`"


def _code(value: Any) -> str:
    flow = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).removesuffix("...\n").strip()
    return f"`{flow}`"


def _cell(text: str) -> str:
    """Text that neither ends the cell nor, outside of code, becomes HTML."""
    parts = text.replace("|", "\\|").replace("\n\n", " ").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))
