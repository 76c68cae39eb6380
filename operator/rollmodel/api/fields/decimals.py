"""Decimal numbers as strings: the API conventions forbid floats."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from rollmodel.api.schema import PatternMessage, Rule, cel_string

__all__ = [
    "AtLeastOne",
    "DecimalString",
    "PositiveDecimal",
    "Risk",
    "Share",
    "SignedDecimal",
    "decimal",
    "ordered",
    "well_written",
]

_SIGNED = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"

_Unsigned = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$")]

#: A non-negative decimal number written as a string, e.g. ``"0.01"``.
DecimalString = Annotated[_Unsigned, PatternMessage("must be a decimal number in quotes, such as '0.05'")]

#: A decimal that may be negative.
SignedDecimal = Annotated[
    str,
    Field(min_length=1, max_length=16, pattern=_SIGNED),
    PatternMessage("must be a decimal number in quotes, such as '0.05' or '-1.5'"),
]

#: A decimal above 0.
PositiveDecimal = Annotated[
    _Unsigned,
    PatternMessage("must be a decimal number above 0 in quotes, such as '0.5'", also="double(self) > 0.0"),
]

#: A factor that may only widen.
AtLeastOne = Annotated[
    _Unsigned,
    PatternMessage(
        "must be a decimal number in quotes that is at least '1', such as '1.5'", also="double(self) >= 1.0"
    ),
]

#: A share from 0 to 1.
Share = Annotated[
    _Unsigned,
    PatternMessage(
        "must be a decimal number in quotes from '0' to '1', such as '0.05' for 5 %", also="double(self) <= 1.0"
    ),
]

#: A probability of a wrong decision.
Risk = Annotated[
    _Unsigned,
    PatternMessage(
        "must be a decimal number in quotes above '0' and at most '0.5', such as '0.01'",
        also="double(self) > 0.0 && double(self) <= 0.5",
    ),
]


def decimal(text: str) -> float:
    """The number that a decimal string stands for."""
    return float(Decimal(text))


def ordered(smaller: str, comparison: str, larger: str, message: str) -> Rule:
    """Two optional decimals of a model compare like this, where both are given and well written."""
    given = " && ".join(f"has(self.{field}) && {well_written(f'self.{field}')}" for field in (smaller, larger))
    return Rule(f"!({given}) || double(self.{smaller}) {comparison} double(self.{larger})", message)


def well_written(expression: str) -> str:
    """CEL: the text is a decimal, so that ``double()`` takes it. What is not is refused by the field's own rule."""
    return f"{expression}.matches({cel_string(_SIGNED)})"
