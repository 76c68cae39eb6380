"""From a pydantic model to a structural schema of ``apiextensions.k8s.io/v1``.

Pydantic speaks JSON schema 2020-12; a CRD takes a narrow subset of OpenAPI 3.0 without references, without ``null``
and with boolean ``exclusiveMinimum``. What has no faithful translation is refused here, not dropped.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema, to_jsonable_python

from rollmodel.api.crd.bounds import refuse_unbounded
from rollmodel.api.schema import Rule, add_rules

__all__ = ["default_words", "quoted_words", "structural_schema"]

Schema = dict[str, Any]


def structural_schema(model: type[BaseModel], *, path: str, defaults: bool = True) -> Schema:
    """The schema of ``model`` as a CRD takes it.

    ``defaults=False`` leaves defaults out: the operator writes status as a whole, so the API server must not add to
    it. Raises ValueError, naming the field below ``path``, for whatever the API conventions or the API server forbid.
    """
    raw = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    schema = _inlined(raw, raw.get("$defs", {}), ())
    schema = _translated(schema, defaults=defaults)
    refuse_unbounded(schema, path)
    return schema


class _Generator(GenerateJsonSchema):
    """Pydantic's generator with optional fields instead of nullable ones, no titles, and short defaults."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:
        return _short(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def _short(value: Any) -> Any:
    """A default without what the defaults of its own fields add anyway: the API server nests defaulting."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, list):
        return [_short(item) for item in value]
    return to_jsonable_python(value)


def _inlined(node: Any, definitions: Mapping[str, Any], stack: tuple[str, ...]) -> Any:
    """``node`` with every reference replaced by its target; what stands beside a reference wins."""
    if isinstance(node, list):
        return [_inlined(item, definitions, stack) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _inlined(value, definitions, stack) for key, value in node.items() if key != "$defs"}
    name = node["$ref"].removeprefix("#/$defs/")
    if name in stack:
        raise ValueError(f"{name} refers to itself; a structural schema cannot recurse")
    target = _inlined(definitions[name], definitions, (*stack, name))
    beside = _inlined({key: value for key, value in node.items() if key != "$ref"}, definitions, stack)
    rules = target.get("x-kubernetes-validations", []) + beside.get("x-kubernetes-validations", [])
    return target | beside | ({"x-kubernetes-validations": rules} if rules else {})


def _translated(node: Schema, *, defaults: bool) -> Schema:
    """One node and everything below it in the words of OpenAPI 3.0."""
    schema = {key: value for key, value in node.items() if key not in _DROPPED}
    _translate_scalar(schema)
    if not defaults:
        schema.pop("default", None)
    if "description" in schema:
        schema["description"] = _plain(schema["description"])
        schema["description"] += quoted_words(schema) + default_words(schema)
    if "properties" in schema:
        schema["properties"] = {
            name: _translated(child, defaults=defaults) for name, child in schema["properties"].items()
        }
    if "items" in schema:
        schema["items"] = _translated(schema["items"], defaults=defaults)
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = _translated(schema["additionalProperties"], defaults=defaults)
        _translate_keys(schema, node.get("propertyNames", {}))
    return schema


def quoted_words(schema: Mapping[str, Any]) -> str:
    """That a number is a text, as a further sentence of a description: ``kubectl explain`` shows no rules.

    The API server says no more than "must be of type string" to a number without quotes: rules are asked of texts only.
    """
    messages = [str(rule["message"]) for rule in schema.get("x-kubernetes-validations", ())]
    found = next((m for m in messages if m.startswith("must be ") and " in quotes" in m), None)
    return f" M{found.removeprefix('m')}." if found else ""


def default_words(schema: Mapping[str, Any]) -> str:
    """The default as the end of a description: ``kubectl explain`` shows no other trace of it.

    Empty where there is none, where it is an object whose fields say their own, and where the description tells more.
    """
    default = schema.get("default")
    if default is None or isinstance(default, dict | list) or "Default: " in schema.get("description", ""):
        return ""
    return f" Default: {default}." if isinstance(default, int) else f" Default: `{default}`."


#: Titles say nothing; key rules become CEL; unknown fields are pruned anyway.
_DROPPED = ("title", "propertyNames")


def _translate_scalar(schema: Schema) -> None:
    """``const`` becomes an enum of one, numeric exclusive bounds become flags, integers get their width."""
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if exclusive in schema:
            schema[bound] = schema[exclusive]
            schema[exclusive] = True
    if schema.get("type") == "integer":
        schema["format"] = "int32" if abs(schema.get("maximum", 0)) < 2**31 else "int64"


_SELF = re.compile(r"\bself\b")


def _translate_keys(schema: Schema, keys: Schema) -> None:
    """What a map asks of its keys as rules: CRDs have no ``propertyNames``."""
    unknown = keys.keys() - {"type", "maxLength", "x-kubernetes-validations"}
    if unknown:
        raise ValueError(f"the keys of a map must not have {', '.join(sorted(unknown))}; a Rule can say it")
    rules = [
        Rule(f"self.all(key, {_SELF.sub('key', rule['rule'])})", rule["message"])
        for rule in keys.get("x-kubernetes-validations", [])
    ]
    if "maxLength" in keys:
        limit = keys["maxLength"]
        rules.append(Rule(f"self.all(key, size(key) <= {limit})", f"must have keys of at most {limit} characters"))
    if rules:
        add_rules(schema, rules)


def _plain(docstring: str) -> str:
    """A docstring as ``kubectl explain`` shows it: one line per paragraph, plain back-quotes."""
    paragraphs = inspect.cleandoc(docstring).replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
