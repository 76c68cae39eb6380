"""Building blocks shared by the three kinds.

The API server validates with the schema exported from these models, so every string, list and number is bounded here.
Texts of status are cut to their bound rather than refused: a neighbour's long message must never stop a status write.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from rollmodel.api.fields.decimals import DecimalString, decimal
from rollmodel.api.schema import PatternMessage, Rule, add_rules
from rollmodel.text import plain

__all__ = [
    "GROUP",
    "VERSION",
    "ApiModel",
    "DecimalString",
    "Digest",
    "LocalRef",
    "Message",
    "ObjectName",
    "ObservedGeneration",
    "Percent",
    "ShortText",
    "SubdomainName",
    "Suspend",
    "Timestamp",
    "decimal",
]

GROUP = "rollmodel.dev"
VERSION = "v1alpha1"


class ApiModel(BaseModel):
    """Base of everything inside a custom resource: camelCase on the wire, frozen in Python, unknown fields ignored.

    Unknown fields are ignored because an object may have been stored by a newer version of the operator.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        revalidate_instances="always",  # also what model_copy() put into a part
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """What the API server checks across the fields of this model."""

    def to_wire(self) -> dict[str, Any]:
        """The JSON-able form that goes to the API server: camelCase, without unset optional fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        if cls.rules:
            add_rules(schema, cls.rules)
        # What models share comes after what is their own.
        own = [to_camel(name) for name in cls.__annotations__]
        schema["properties"] = dict(sorted(schema.get("properties", {}).items(), key=lambda field: field[0] not in own))
        return reference


#: A DNS-1123 label (RFC 1123), for names that become part of child names.
ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
    PatternMessage("must be lower-case letters, digits and '-', and begin and end with a letter or digit"),
]

#: A DNS-1123 subdomain: the name of most Kubernetes objects.
SubdomainName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
    PatternMessage("must be lower-case letters, digits, '-' and '.', and begin and end with a letter or digit"),
]

#: A whole share of traffic.
Percent = Annotated[int, Field(ge=0, le=100)]

#: SHA-256 of content.
Digest = Annotated[
    str,
    Field(max_length=71, pattern=r"^sha256:[0-9a-f]{64}$"),
    PatternMessage("must be 'sha256:' and 64 hexadecimal digits in lower case"),
]

#: ``metadata.generation`` of the spec that a status is about; -1 is the birth value of a new object.
ObservedGeneration = Annotated[int, Field(ge=-1, le=2**53)]

#: RFC 3339.
Timestamp = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]


def _cut(limit: int) -> BeforeValidator:
    """Texts come from anybody, so what acts is taken out; this is the border of status, for writing and reading."""

    def cut(text: object) -> object:
        text = plain(text) if isinstance(text, str) else text
        return f"{text[: limit - 1]}…" if isinstance(text, str) and len(text) > limit else text

    return BeforeValidator(cut)


#: A word or a short phrase of status; longer ones are cut.
ShortText = Annotated[str, _cut(256), Field(max_length=256)]

#: One line for people in status; longer ones are cut.
Message = Annotated[str, _cut(4096), Field(max_length=4096)]

#: Nothing new is started while this is set; what exists is kept.
Suspend = Literal["Suspended"]


class LocalRef(ApiModel):
    """A reference to an object of the same namespace."""

    name: SubdomainName
    """Name of the object."""
