"""JSON schemas, one a kind, from what an API server tells of itself (``/openapi/v2``): what kubeconform reads.

Strict: an object with fields has no others. What OpenAPI cannot say is put right: a quantity may be a number, and
"int or string" may be either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["LOCATION", "write_schemas"]

#: How kubeconform shall find the files.
LOCATION = "{{.Group}}-{{.ResourceAPIVersion}}-{{.ResourceKind}}.json"

_EITHER: dict[str, Any] = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
_SPECIAL: dict[str, dict[str, Any]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _EITHER,
}
_DEFINITIONS = "definitions.json"


def write_schemas(openapi: Mapping[str, Any], folder: Path) -> set[str]:
    """Write one file a kind, and one with what they share; the names of the kinds, as ``group/version/Kind``."""
    shared = {name: _SPECIAL.get(name) or _strict(schema) for name, schema in openapi["definitions"].items()}
    (folder / _DEFINITIONS).write_text(json.dumps({"definitions": shared}))
    kinds = set()
    for name, schema in openapi["definitions"].items():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            words = (kind["group"] or kind["version"], kind["version"], kind["kind"].lower())
            path = folder / f"{'-'.join(words)}.json"
            path.write_text(json.dumps({"$ref": f"{_DEFINITIONS}#/definitions/{name}"}))
            kinds.add(f"{kind['group']}/{kind['version']}/{kind['kind']}")
    return kinds


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return _EITHER
    made = {key: _strict(value) for key, value in schema.items() if not key.startswith("x-kubernetes")}
    if isinstance(fields := schema.get("properties"), dict):  # names of fields, which may look like words of a schema
        made["properties"] = {name: _strict(value) for name, value in fields.items()}
    if "properties" in schema and "additionalProperties" not in schema and not _open(schema):
        made["additionalProperties"] = False
    return made


def _open(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("x-kubernetes-preserve-unknown-fields")) or not isinstance(schema.get("properties"), dict)
