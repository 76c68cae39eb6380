"""Reading numbers that a training logged: what is wrong with them, and how they are written for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Context, Decimal
from difflib import get_close_matches

from rollmodel.plan.training.observed import MetricPoint

__all__ = ["exact", "plain", "trouble"]

_FEWEST = 4


def exact(value: float) -> Decimal:
    """The shortest decimal that stands for this float: 0.7 is 0.7, and 0.8 - 0.7 is 0.1, as in the text of a bound."""
    return Decimal(repr(float(value)))


def plain(value: Decimal, *beside: Decimal) -> str:
    """For people: at least four digits, and as many as show on which side of each number ``beside`` it lies."""
    for digits in range(_FEWEST, len(value.as_tuple().digits)):
        rounded = Context(prec=digits).plus(value)
        if all(rounded.compare(other) == value.compare(other) for other in beside):
            return _written(rounded)
    return _written(value)


def _written(value: Decimal) -> str:
    """Without an exponent where that is readable."""
    if value and not -6 <= value.adjusted() <= 15:
        return str(value)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def trouble(name: str, metrics: Mapping[str, MetricPoint], run: str = "the run") -> str | None:
    """Why this metric cannot be compared with anything, or None where it can."""
    point = metrics.get(name)
    if point is None:
        similar = get_close_matches(name, metrics, n=3)
        hint = f"; similar ones are {', '.join(map(repr, similar))}" if similar else ""
        return f"{run} logged no metric {name!r}{hint}"
    return None if math.isfinite(point.value) else f"{run} logged {point.value} as its last value of {name!r}"
