"""What a schema of ours must have before it goes to an API server.

The API conventions ask for bounds on everything, and CEL needs them to estimate what a rule costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["refuse_unbounded"]

Schema = dict[str, Any]

_FORBIDDEN = ("$ref", "allOf", "oneOf", "not", "prefixItems", "patternProperties", "discriminator", "uniqueItems")


def refuse_unbounded(schema: Schema, path: str) -> None:
    """Raise ValueError with every problem below ``path``, one a line."""
    problems = list(_problems(schema, path))
    if problems:
        raise ValueError("the schema cannot become a CRD:\n" + "\n".join(problems))


def _problems(schema: Schema, path: str) -> Iterator[str]:
    yield from (f"{path}: must not use '{keyword}'" for keyword in _FORBIDDEN if keyword in schema)
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    if schema.get("x-kubernetes-int-or-string"):
        yield from _require(schema, path, "maxLength")
    elif schema.get("type") in _BY_TYPE:
        yield from _BY_TYPE[schema["type"]](schema, path)
    else:
        yield f"{path}: must have a type; allowed are {', '.join(_BY_TYPE)}. Decimals are strings, flags are enums"


def _integer_problems(schema: Schema, path: str) -> Iterator[str]:
    return _require(schema, path, "minimum", "maximum")


def _array_problems(schema: Schema, path: str) -> Iterator[str]:
    yield from _require(schema, path, "maxItems", "x-kubernetes-list-type")
    yield from _problems(schema.get("items", {}), f"{path}[]")


def _string_problems(schema: Schema, path: str) -> Iterator[str]:
    if "enum" not in schema:
        yield from _require(schema, path, "maxLength")


def _object_problems(schema: Schema, path: str) -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        yield from _problems(child, f"{path}.{name}")
    if "properties" in schema:
        return
    yield from _require(schema, path, "maxProperties")
    values = schema.get("additionalProperties")
    if not isinstance(values, dict):
        yield f"{path}: must say what its values are"
    elif values.get("type") == "object":
        yield f"{path}: must not be a map of objects; use a list with a key"
    else:
        yield from _problems(values, f"{path}.*")


def _require(schema: Schema, path: str, *keywords: str) -> Iterator[str]:
    missing = [keyword for keyword in keywords if keyword not in schema]
    if missing:
        yield f"{path}: must have {' and '.join(missing)}"


_BY_TYPE: Mapping[str, Callable[[Schema, str], Iterator[str]]] = {
    "string": _string_problems,
    "integer": _integer_problems,
    "array": _array_problems,
    "object": _object_problems,
}
