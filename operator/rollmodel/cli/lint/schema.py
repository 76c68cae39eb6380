"""An object against the schema of its CRD, in the words of the API server: types, bounds, keys, rules, defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from rollmodel.cli.lint.cel import CelError, holds, mentions, parse
from rollmodel.cli.lint.findings import Path, written

__all__ = ["Problem", "problems", "with_defaults"]

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field; ``structural``: the API server leaves its rules aside while this is so."""

    path: Path
    message: str
    structural: bool = field(default=False, compare=False)


def problems(value: Any, schema: Schema, path: Path = ()) -> list[Problem]:
    """All that the API server would refuse; its rules only once types are right, as it has it."""
    completed = with_defaults(value, schema)
    found = list(_shape(completed, schema, path))
    return found if any(one.structural for one in found) else [*found, *_rules(completed, schema, path)]


def with_defaults(value: Any, schema: Schema) -> Any:
    """The value with the defaults of the schema, and without nulls."""
    if isinstance(value, dict):
        given = {key: one for key, one in value.items() if one is not None}
        fields = schema.get("properties", {})
        missing = {key: one["default"] for key, one in fields.items() if "default" in one and key not in given}
        others = schema.get("additionalProperties")
        return {key: with_defaults(one, fields.get(key, others or {})) for key, one in {**given, **missing}.items()}
    if isinstance(value, list):
        return [with_defaults(one, schema.get("items", {})) for one in value]
    return value


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _shape(value: Any, schema: Schema, path: Path) -> Iterator[Problem]:
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    wanted, given = schema.get("type"), _type_of(value)
    if schema.get("x-kubernetes-int-or-string"):
        wanted = given if given in {"integer", "string"} else "integer,string"
    if wanted is not None and wanted != given:
        hint = f', in quotes: "{value}"' if wanted == "string" and given in {"integer", "number"} else ""
        yield Problem(path, f'must be of type {wanted}: "{given}"{hint}', structural=True)
        return
    yield from _SHAPES.get(given, _any_shape)(value, schema, path)


def _any_shape(value: Any, schema: Schema, path: Path) -> Iterator[Problem]:
    allowed = schema.get("enum")
    if allowed is not None and value not in allowed:
        listed = ", ".join(f'"{one}"' for one in allowed)
        yield Problem(path, f'Unsupported value: "{value}": supported values: {listed}', structural=True)


def _number_shape(value: float, schema: Schema, path: Path) -> Iterator[Problem]:
    yield from _any_shape(value, schema, path)
    if value < schema.get("minimum", value):
        yield Problem(path, f"should be greater than or equal to {schema['minimum']}")
    if value > schema.get("maximum", value):
        yield Problem(path, f"should be less than or equal to {schema['maximum']}")


def _text_shape(value: str, schema: Schema, path: Path) -> Iterator[Problem]:
    yield from _any_shape(value, schema, path)
    if len(value) < schema.get("minLength", 0):
        yield Problem(path, f"should be at least {schema['minLength']} chars long")
    if len(value) > schema.get("maxLength", len(value)):
        yield Problem(path, f"may not be longer than {schema['maxLength']} characters", structural=True)


def _list_shape(value: list[Any], schema: Schema, path: Path) -> Iterator[Problem]:
    if len(value) < schema.get("minItems", 0):
        yield Problem(path, f"should have at least {schema['minItems']} items")
    if len(value) > schema.get("maxItems", len(value)):
        yield Problem(path, f"must have at most {schema['maxItems']} items", structural=True)
    for index, item in enumerate(value):
        yield from _shape(item, schema.get("items", {}), (*path, index))
    yield from _doubled_items(value, schema, path)


def _doubled_items(value: list[Any], schema: Schema, path: Path) -> Iterator[Problem]:
    keys = schema.get("x-kubernetes-list-map-keys")
    seen: list[Any] = []
    for index, item in enumerate(value if schema.get("x-kubernetes-list-type") in {"map", "set"} else ()):
        key = {name: item.get(name) for name in keys} if keys and isinstance(item, dict) else item
        if key in seen:
            yield Problem((*path, index), f"Duplicate value: {key}")
        seen.append(key)


def _object_shape(value: dict[str, Any], schema: Schema, path: Path) -> Iterator[Problem]:
    fields, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield Problem((*path, name), "Required value", structural=True)
    if len(value) > schema.get("maxProperties", len(value)):
        yield Problem(path, f"must have at most {schema['maxProperties']} entries", structural=True)
    for name, one in value.items():
        if name in fields:
            yield from _shape(one, fields[name], (*path, name))
        elif others is not None:
            yield from _shape(one, others, _entry_path(path, name))
        elif fields:
            near = get_close_matches(str(name), fields, n=1)
            hint = f": did you mean {near[0]!r}?" if near else ""
            yield Problem((*path, name), f'unknown field "{written((*path, name))}"{hint}')


def _entry_path(path: Path, key: str) -> Path:
    """As the API server writes an entry of a map: ``limits[cpu]``."""
    return (*path[:-1], f"{path[-1]}[{key}]") if path else (key,)


def _rules(value: Any, schema: Schema, path: Path) -> Iterator[Problem]:
    """Rules of this value, and of all below it."""
    for rule in schema.get("x-kubernetes-validations", ()):
        if not mentions(parse(rule["rule"]), "oldSelf"):
            yield from _ruled(rule, value, path)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _rules(item, schema.get("items", {}), (*path, index))
    if isinstance(value, dict):
        fields, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, one in value.items():
            if name in fields:
                yield from _rules(one, fields[name], (*path, name))
            elif others is not None:
                yield from _rules(one, others, _entry_path(path, name))


def _ruled(rule: Mapping[str, str], value: Any, path: Path) -> Iterator[Problem]:
    try:
        if not holds(rule["rule"], value):
            yield Problem(path, rule["message"])
    except CelError as error:
        yield Problem(path, f"a rule cannot be checked: {error}")


_SHAPES: Mapping[str, Callable[[Any, Schema, Path], Iterator[Problem]]] = {
    "integer": _number_shape,
    "number": _number_shape,
    "string": _text_shape,
    "array": _list_shape,
    "object": _object_shape,
}
