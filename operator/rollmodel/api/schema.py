"""Annotations for what JSON schema alone cannot say in a CRD: CEL rules, list types, int-or-string, opaque objects.

They stand in the models next to the fields they guard and reach the CRD through pydantic's JSON schema. They check
nothing in Python: the API server has checked every object before we read it, and an object that was stored under
older rules must still parse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

__all__ = [
    "ATOMIC",
    "INT_OR_STRING",
    "OPAQUE",
    "SET",
    "PatternMessage",
    "Rule",
    "add_rules",
    "at_least_one_of",
    "cel_string",
    "exactly_one_of",
    "keyed_by",
]

JsonSchema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A validation rule of the API server (CEL, KEP-2876), on a type by ``Annotated`` or on a model by ``rules``.

    ``message`` completes the sentence that begins with the field's path, and says what is allowed.
    """

    rule: str
    message: str
    field_path: str | None = None

    def to_schema(self) -> JsonSchema:
        """The entry of ``x-kubernetes-validations``."""
        entry = {"rule": self.rule, "message": self.message}
        return entry | ({"fieldPath": self.field_path} if self.field_path else {})

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return add_rules(handler(core_schema), [self])


@dataclass(frozen=True, slots=True)
class PatternMessage:
    """Turns the type's ``pattern`` into a rule with a message, because the API server would print the bare regex.

    ``also`` is a further CEL condition, evaluated only where the pattern matched.
    """

    message: str
    also: str | None = None

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        schema = handler(core_schema)
        condition = f"self.matches({cel_string(schema.pop('pattern'))})"
        return add_rules(schema, [Rule(f"{condition} && {self.also}" if self.also else condition, self.message)])


@dataclass(frozen=True, slots=True)
class _ListType:
    """How server-side apply merges a list, and what makes its items unique."""

    kind: Literal["atomic", "set", "map"]
    keys: tuple[str, ...] = ()

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        schema = handler(core_schema)
        schema["x-kubernetes-list-type"] = self.kind
        if self.keys:
            schema["x-kubernetes-list-map-keys"] = list(self.keys)
        return schema


#: A list that is replaced as a whole.
ATOMIC = _ListType("atomic")
#: A list of scalars without duplicates.
SET = _ListType("set")


def keyed_by(*keys: str) -> _ListType:
    """A list of objects that are unique by these keys."""
    return _ListType("map", keys)


class _IntOrString:
    """A value that people write as a number or as text (a quantity)."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        schema = {key: value for key, value in handler(core_schema).items() if key != "type"}
        return schema | {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}


class _Opaque:
    """An object whose fields the API server keeps without knowing them."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


INT_OR_STRING = _IntOrString()
OPAQUE = _Opaque()


def exactly_one_of(*fields: str) -> Rule:
    """Of these optional fields one must be there, and only one."""
    present = ", ".join(f"has(self.{name})" for name in fields)
    return Rule(f"[{present}].exists_one(given, given)", f"must have exactly one of {_names(fields, 'and')}")


def at_least_one_of(*fields: str) -> Rule:
    """One of these optional fields must be there."""
    return Rule(" || ".join(f"has(self.{name})" for name in fields), f"must have {_names(fields, 'or')}")


def add_rules(schema: JsonSchema, rules: Sequence[Rule]) -> JsonSchema:
    """The schema with these rules after the ones it has."""
    schema["x-kubernetes-validations"] = [
        *schema.get("x-kubernetes-validations", []),
        *(rule.to_schema() for rule in rules),
    ]
    return schema


def cel_string(text: str) -> str:
    """``text`` as a CEL literal that keeps backslashes."""
    return f'r"{text}"' if "'" in text else f"r'{text}'"


def _names(fields: Sequence[str], conjunction: str) -> str:
    quoted = [f"`{name}`" for name in fields]
    return f"{', '.join(quoted[:-1])} {conjunction} {quoted[-1]}"
