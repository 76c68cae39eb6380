"""The value of a CEL expression: operators, macros, and the functions that the rules of our CRDs use."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise
from typing import Any

from rollmodel.cli.lint.cel.parse import Call, CelError, Constant, Field, Items, Name, Node, Operator, parse

__all__ = ["holds"]

Variables = Mapping[str, Any]


def holds(rule: str, value: Any) -> bool:
    """Whether the rule is true of ``self``. Raises CelError where it has no value."""
    found = _value(parse(rule), {"self": value})
    if not isinstance(found, bool):
        raise CelError(f"{rule!r} is neither true nor false")
    return found


def _value(node: Node, known: Variables) -> Any:
    match node:
        case Constant(value=value):
            return value
        case Name(name=name):
            return _variable(name, known)
        case Items(items=items):
            return [_value(item, known) for item in items]
        case Field(of=of, name=name):
            return _entry(_value(of, known), name)
        case Operator() | Call():
            try:
                return _operated(node, known) if isinstance(node, Operator) else _called(node, known)
            except (AttributeError, TypeError) as error:  # Python's words for an operand of another type
                raise CelError(f"no such overload: {error}") from error


def _variable(name: str, known: Variables) -> Any:
    if name in known:
        return known[name]
    if name in _TYPES:
        return name
    raise CelError(f"there is no {name!r}")


def _entry(of: Any, key: Any) -> Any:
    try:
        return of[key]
    except (KeyError, IndexError, TypeError) as error:
        raise CelError(f"no such key: {key}") from error


def _operated(node: Operator, known: Variables) -> Any:
    match node.symbol, node.operands:
        case ("&&" | "||") as symbol, (left, right):
            return _either(left, right, known, decides=symbol == "||")
        case "?:", (condition, yes, no):
            return _value(yes if _value(condition, known) else no, known)
        case "!", (one,):
            return not _value(one, known)
        case "-", (one,):
            return -_value(one, known)
        case "[]", (of, key):
            return _entry(_value(of, known), _value(key, known))
        case symbol, (left, right):
            return _compared(symbol, _value(left, known), _value(right, known))
        case _:
            raise CelError(f"{node.symbol} takes other operands")


def _either(left: Node, right: Node, known: Variables, *, decides: bool) -> bool:
    """``&&`` and ``||`` have a value also where one side has none and the other one decides."""
    try:
        first = bool(_value(left, known))
    except CelError:
        if bool(_value(right, known)) is decides:
            return decides
        raise
    return first if first is decides else bool(_value(right, known))


def _compared(symbol: str, left: Any, right: Any) -> Any:
    if symbol == "in":
        return left in right
    same = isinstance(left, str) == isinstance(right, str)
    if not same and symbol not in {"==", "!="}:
        raise CelError(f"no such overload: {symbol}")
    return _OPERATORS[symbol](left, right)


def _called(node: Call, known: Variables) -> Any:
    if node.of is None and node.name == "has":
        (field,) = node.arguments
        return isinstance(field, Field) and field.name in _value(field.of, known)
    if node.of is not None and node.name in _MACROS:
        return _macro(node.name, _value(node.of, known), node.arguments, known)
    of = [_value(node.of, known)] if node.of is not None else []
    return _function(node.name)(*of, *(_value(argument, known) for argument in node.arguments))


def _macro(name: str, of: Any, arguments: Sequence[Node], known: Variables) -> Any:
    variable, body = arguments
    if not isinstance(variable, Name):
        raise CelError(f"{name} needs a name")
    items = list(of)
    return _MACROS[name](items, [_value(body, {**known, variable.name: item}) for item in items])


def _function(name: str) -> Callable[..., Any]:
    if name not in _FUNCTIONS:
        raise CelError(f"there is no function {name}")
    return _FUNCTIONS[name]


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    """RE2's syntax in Python's: ``$`` is the end of the text, flags stand first, classes are ASCII."""
    flags = re.ASCII | (re.IGNORECASE if "(?i)" in text else 0)
    in_class, parts = False, []
    for part in re.findall(r"\\.|.", text.replace("(?i)", ""), re.DOTALL):
        in_class = (in_class or part == "[") and part != "]"
        parts.append(r"\Z" if part == "$" and not in_class else part)
    return re.compile("".join(parts), flags)


_QUANTITY = re.compile(r"([+-]?[0-9.]+)([numkMGTPE]?|[KMGTPE]i)")
_UNITS: dict[str, Decimal | int] = {"": 1, "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": 10**3}
_UNITS |= {unit: 1000**power for power, unit in enumerate("MGTPE", 2)}
_UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", 1)}


def _quantity(text: str) -> Decimal:
    found = _QUANTITY.fullmatch(text)
    try:
        return Decimal(found[1]) * _UNITS[found[2]] if found else Decimal("not one")
    except InvalidOperation as error:
        raise CelError(f"{text!r} is no quantity") from error


def _is_quantity(text: str) -> bool:
    try:
        _quantity(text)
    except CelError:
        return False
    return True


def _double(value: Any) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise CelError(f"{value!r} is no number") from error


_TYPES = {"int": int, "string": str, "bool": bool, "double": float, "list": list, "map": dict}
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
#: With the items, and what the body says of each.
_MACROS: Mapping[str, Callable[[list[Any], list[Any]], Any]] = {
    "all": lambda _, found: all(found),
    "exists": lambda _, found: any(found),
    "exists_one": lambda _, found: sum(map(bool, found)) == 1,
    "filter": lambda items, found: [item for item, keep in zip(items, found, strict=True) if keep],
    "map": lambda _, found: found,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "size": len,
    "string": str,
    "double": _double,
    "type": lambda value: next(name for name, kind in _TYPES.items() if type(value) is kind),
    "matches": lambda text, pattern: _pattern(pattern).search(text) is not None,
    "startsWith": lambda text, start: text.startswith(start),
    "isSorted": lambda items: all(a <= b for a, b in pairwise(items)),
    "isQuantity": _is_quantity,
    "quantity": _quantity,
    "compareTo": lambda a, b: (a > b) - (a < b),
}
