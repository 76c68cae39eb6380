"""Building blocks shared by the three kinds.

The API server validates with the schema exported from these models, so every string, list and number is bounded here.
Decimals are strings (the API conventions forbid floats).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = [
    "GROUP",
    "VERSION",
    "ApiModel",
    "DecimalString",
    "LocalRef",
    "ObjectName",
    "decimal",
]

GROUP = "rollmodel.dev"
VERSION = "v1alpha1"


class ApiModel(BaseModel):
    """Base of everything inside a custom resource: camelCase on the wire, frozen in Python, unknown fields ignored.

    Unknown fields are ignored because an object may have been stored by a newer version of the operator.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    def to_wire(self) -> dict[str, Any]:
        """The JSON-able form that goes to the API server: camelCase, without unset optional fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


#: A DNS-1123 label (RFC 1123), for names that become part of child names.
ObjectName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]

#: A non-negative decimal number written as a string, e.g. ``"0.01"``.
DecimalString = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$")]


def decimal(text: str) -> float:
    """The number that a :data:`DecimalString` stands for."""
    return float(Decimal(text))


class LocalRef(ApiModel):
    """A reference to an object of the same namespace."""

    name: ObjectName
