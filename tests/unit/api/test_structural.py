"""What becomes of pydantic's JSON schema, and what is refused."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model
from rollmodel.api.base import ApiModel, LocalRef, ObjectName
from rollmodel.api.crd.structural import structural_schema
from rollmodel.api.fields.decimals import DecimalString
from rollmodel.api.pods import Labels, Quantity
from rollmodel.api.schema import ATOMIC, OPAQUE, SET, PatternMessage, Rule, exactly_one_of, keyed_by

Word = Annotated[str, Field(max_length=5)]


class Colour(StrEnum):
    RED = "Red"
    BLUE = "Blue"


class Part(ApiModel):
    """A part."""

    rules = (exactly_one_of("a", "b"),)

    a: Word | None = None
    b: Annotated[int, Field(ge=0, le=9)] = 3


def exported(type_: Any, default: Any = ..., *, defaults: bool = True) -> dict[str, Any]:
    """The schema of a field with this type."""
    model = create_model("Sample", __base__=ApiModel, field=(type_, default))
    schema = structural_schema(model, path="spec", defaults=defaults)
    field: dict[str, Any] = schema["properties"]["field"]
    return field


TRANSLATED = {
    "optional is not nullable": (Word | None, None, {"type": "string", "maxLength": 5}),
    "a default stays": (Word, "x", {"type": "string", "maxLength": 5, "default": "x"}),
    "one word": (Literal["Manual"], ..., {"type": "string", "enum": ["Manual"]}),
    "an enum with a default": (Colour, Colour.RED, {"type": "string", "enum": ["Red", "Blue"], "default": "Red"}),
    "bounds": (
        Annotated[int, Field(ge=0, le=9)],
        ...,
        {"type": "integer", "format": "int32", "minimum": 0, "maximum": 9},
    ),
    "exclusive bounds are flags": (
        Annotated[int, Field(gt=0, lt=9)],
        ...,
        {
            "type": "integer",
            "format": "int32",
            "minimum": 0,
            "exclusiveMinimum": True,
            "maximum": 9,
            "exclusiveMaximum": True,
        },
    ),
    "wide integers": (
        Annotated[int, Field(ge=0, le=2**31)],
        ...,
        {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**31},
    ),
    "an atomic list": (
        Annotated[list[Word] | None, Field(max_length=2), ATOMIC],
        None,
        {
            "type": "array",
            "items": {"type": "string", "maxLength": 5},
            "maxItems": 2,
            "x-kubernetes-list-type": "atomic",
        },
    ),
    "a set": (
        Annotated[list[Colour], Field(max_length=2), SET],
        [Colour.RED],
        {
            "type": "array",
            "items": {"type": "string", "enum": ["Red", "Blue"]},
            "maxItems": 2,
            "x-kubernetes-list-type": "set",
            "default": ["Red"],
        },
    ),
    "a map of words": (
        Annotated[dict[str, Word], Field(max_length=2)],
        ...,
        {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string", "maxLength": 5}},
    ),
    "opaque": (
        Annotated[dict[str, Any], OPAQUE],
        ...,
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    ),
    "a pattern with words": (
        Annotated[str, Field(max_length=5, pattern="^a$"), PatternMessage("must be 'a'")],
        ...,
        {
            "type": "string",
            "maxLength": 5,
            "x-kubernetes-validations": [{"rule": "self.matches(r'^a$')", "message": "must be 'a'"}],
        },
    ),
}


@pytest.mark.parametrize(("type_", "default", "schema"), TRANSLATED.values(), ids=TRANSLATED)
def test_translation(type_: Any, default: Any, schema: dict[str, Any]) -> None:
    found = exported(type_, default)
    assert {key: value for key, value in found.items() if key != "description"} == schema


def test_a_model_is_inlined_with_its_rules_and_its_own_defaults() -> None:
    found = exported(Part, Part(a="x"))
    assert "$ref" not in found
    assert "title" not in found
    assert found["default"] == {"a": "x"}
    assert found["properties"]["b"]["default"] == 3
    assert found["x-kubernetes-validations"] == [
        {
            "rule": "[has(self.a), has(self.b)].exists_one(given, given)",
            "message": "must have exactly one of `a` and `b`",
        }
    ]


def test_rules_of_a_model_and_of_its_field_add_up() -> None:
    found = exported(Annotated[Part, Rule("true", "must be so")])
    assert [rule["message"] for rule in found["x-kubernetes-validations"]] == [
        "must have exactly one of `a` and `b`",
        "must be so",
    ]


def test_rules_of_one_field_do_not_reach_another_of_the_same_type() -> None:
    exported(Annotated[Part, Rule("true", "must be so")])
    assert len(exported(Part)["x-kubernetes-validations"]) == 1


def test_a_list_of_objects_keeps_its_keys() -> None:
    found = exported(Annotated[list[LocalRef], Field(max_length=2), keyed_by("name")])
    assert found["x-kubernetes-list-map-keys"] == ["name"]
    assert found["items"]["required"] == ["name"]


def test_status_has_no_defaults() -> None:
    found = exported(Part, Part(a="x"), defaults=False)
    assert "default" not in found
    assert "default" not in found["properties"]["b"]


def test_what_is_asked_of_keys_becomes_rules() -> None:
    pattern, length = exported(Labels)["x-kubernetes-validations"]
    assert pattern["rule"].startswith("self.all(key, key.matches(r'")
    assert pattern["message"] == "must have keys such as 'zone' or 'example.com/zone'"
    assert length["rule"] == "self.all(key, size(key) <= 317)"


def test_a_quantity_is_a_number_or_text() -> None:
    found = exported(Quantity)
    assert found["x-kubernetes-int-or-string"] is True
    assert found["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert "type" not in found


class Told(ApiModel):
    seconds: Annotated[int, Field(ge=0, le=9)] = 3
    """How long."""
    word: Word = "x"
    """Which one. Default: `x`, unless nobody asks."""
    again: Literal["Yes", "No"] = "No"
    """Whether twice."""


def test_explain_tells_the_default_once() -> None:
    told = {name: child["description"] for name, child in exported(Told)["properties"].items()}
    assert told == {
        "seconds": "How long. Default: 3.",
        "word": "Which one. Default: `x`, unless nobody asks.",
        "again": "Whether twice. Default: `No`.",
    }
    assert "Default: 3" not in str(exported(Told, defaults=False))


class Quoted(ApiModel):
    risk: DecimalString = "0.01"
    """How sure."""


def test_explain_tells_that_a_number_is_in_quotes() -> None:
    told = exported(Quoted)["properties"]["risk"]["description"]
    assert told == "How sure. Must be a decimal number in quotes, such as '0.05'. Default: `0.01`."


def test_a_docstring_is_one_line_per_paragraph() -> None:
    class Described(ApiModel):
        """About ``it``,
        in two lines.

        And more.
        """

        name: ObjectName
        """The ``name``."""

    found = exported(Described)
    assert found["description"] == "About `it`, in two lines.\n\nAnd more."
    assert found["properties"]["name"]["description"] == "The `name`."


class Looped(ApiModel):
    """Refers to itself."""

    again: "Looped | None" = None


REFUSED = {
    "a string without a length": (str, r"spec\.field: must have maxLength"),
    "a number with one bound": (Annotated[int, Field(ge=0)], r"spec\.field: must have maximum"),
    "a list without a size": (Annotated[list[Word], ATOMIC], r"spec\.field: must have maxItems"),
    "a list without a type": (
        Annotated[list[Word], Field(max_length=2)],
        r"spec\.field: must have x-kubernetes-list-type",
    ),
    "an item without a length": (
        Annotated[list[str], Field(max_length=2), ATOMIC],
        r"spec\.field\[\]: must have maxLength",
    ),
    "a map without a size": (dict[str, Word], r"spec\.field: must have maxProperties"),
    "a map of objects": (
        Annotated[dict[str, LocalRef], Field(max_length=2)],
        r"spec\.field: must not be a map of objects; use a list with a key",
    ),
    "a map of anything": (
        Annotated[dict[str, Any], Field(max_length=2)],
        r"spec\.field: must say what its values are",
    ),
    "a key with a bare pattern": (
        Annotated[dict[Annotated[str, Field(pattern="^a$")], Word], Field(max_length=2)],
        r"spec\.field: must not use 'patternProperties'",
    ),
    "a key with a shortest length": (
        Annotated[dict[Annotated[str, Field(min_length=1)], Word], Field(max_length=2)],
        "the keys of a map must not have minLength; a Rule can say it",
    ),
    "a float": (Annotated[float, Field(ge=0, le=1)], r"spec\.field: must have a type; .* Decimals are strings"),
    "a flag": (bool, r"spec\.field: must have a type; .* flags are enums"),
    "a union": (Annotated[int, Field(ge=0, le=1)] | Word, r"spec\.field: must have a type"),
    "anything": (Any, r"spec\.field: must have a type"),
    "a tuple": (tuple[Word, Word], r"spec\.field: must not use 'prefixItems'"),
    "recursion": (Looped, r"Looped refers to itself"),
}


@pytest.mark.parametrize(("type_", "words"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_faithful_translation_is_refused_by_name(type_: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        exported(type_)


def test_all_problems_are_told_at_once() -> None:
    model = create_model("Sample", __base__=ApiModel, one=(str, ...), two=(bool, ...))
    with pytest.raises(ValueError, match=r"(?s)spec\.one: .*\nspec\.two: "):
        structural_schema(model, path="spec")
