"""A CustomResourceDefinition from a kind."""

from __future__ import annotations

from typing import Any

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.crd.kinds import Column, Kind
from rollmodel.api.crd.structural import structural_schema
from rollmodel.api.schema import Rule, add_rules

__all__ = ["CATEGORY", "custom_resource_definition"]

CATEGORY = "mlops"

#: Children are called ``<name>-<suffix>`` and must stay DNS labels of 63 characters; CronJob has the same limit.
_NAME_RULE = Rule(
    "self.matches('^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$')",
    "must be at most 52 characters: lower-case letters, digits and '-', beginning with a letter and ending with a"
    " letter or digit",
)


def custom_resource_definition(kind: Kind) -> dict[str, Any]:
    """The manifest of ``apiextensions.k8s.io/v1``."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [kind.short_name],
                "categories": [CATEGORY],
            },
            "versions": [_version(kind)],
        },
    }


def _version(kind: Kind) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root_schema(kind)},
        "subresources": {"status": {}} | ({"scale": dict(kind.scale)} if kind.scale else {}),
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
    }


def _root_schema(kind: Kind) -> dict[str, Any]:
    status = _without_rules(structural_schema(kind.status, path="status", defaults=False))
    # A new object must not look finished before the operator has seen it: kstatus reads this as InProgress.
    status["default"] = {"observedGeneration": -1}
    # We write it as a whole, and nobody else does: an owner for each of its fields would double each object's size.
    status["x-kubernetes-map-type"] = "atomic"
    root = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {"name": add_rules({"type": "string", "maxLength": 253}, [_NAME_RULE])},
            },
            "spec": structural_schema(kind.spec, path="spec"),
            "status": status,
        },
    }
    return add_rules(root, kind.rules) if kind.rules else root


def _without_rules(schema: Any) -> Any:
    """Without CEL: nobody but us writes a status, and rules there take the API server a third of each such write."""
    if isinstance(schema, dict):
        return {key: _without_rules(value) for key, value in schema.items() if key != "x-kubernetes-validations"}
    return [_without_rules(one) for one in schema] if isinstance(schema, list) else schema


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.json_path,
        "description": column.description,
        "priority": 1 if column.wide else 0,
    }
