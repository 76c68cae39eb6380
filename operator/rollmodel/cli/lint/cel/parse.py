"""From the text of a CEL expression to a tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["Call", "CelError", "Constant", "Field", "Items", "Name", "Node", "Operator", "mentions", "parse"]


class CelError(ValueError):
    """An expression that cannot be read, or that has no value for this object."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, a number, or a truth value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    """``self``, or a variable of a macro."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """``of.name``."""

    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """``of.name(arguments)``, or ``name(arguments)`` where ``of`` is None."""

    of: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """``[a, b]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """``!``, ``?:``, ``[]`` or one between two operands."""

    symbol: str
    operands: tuple[Node, ...]


Node = Constant | Name | Field | Call | Items | Operator

_TOKEN = re.compile(
    r"""\s*(?:(?P<raw>r'[^']*'|r"[^"]*")|(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    |(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<symbol>&&|\|\||==|!=|<=|>=|[-!<>+*/%?:.,()\[\]]))""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_KNOWN = {"true": True, "false": False}
#: From weak to strong.
_LEVELS: Sequence[frozenset[str]] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)


@lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """The tree. Raises CelError."""
    return _Parser(list(_tokens(text)), text).whole()


def mentions(node: Node, name: str) -> bool:
    """Whether a variable is used."""
    return any(isinstance(one, Name) and one.name == name for one in _below(node))


def _below(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Field(of=of):
            yield from _below(of)
        case Call(of=of, arguments=arguments):
            for one in (*([of] if of is not None else []), *arguments):
                yield from _below(one)
        case Items(items=children) | Operator(operands=children):
            for one in children:
                yield from _below(one)
        case Constant() | Name():
            pass


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            raise CelError(f"{text!r} cannot be read at character {place}")
        kind = found.lastgroup or ""
        yield kind, found[kind]
        place = found.end()


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self._tokens, self._text, self._place = tokens, text, 0

    def whole(self) -> Node:
        """All of the text as one expression."""
        node = self._choice()
        if self._place != len(self._tokens):
            raise self._unexpected()
        return node

    def _choice(self) -> Node:
        condition = self._binary(0)
        if not self._took("?"):
            return condition
        yes = self._binary(0)
        self._expect(":")
        return Operator("?:", (condition, yes, self._choice()))

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._binary(level + 1)
        while (symbol := self._symbol()) in _LEVELS[level]:
            self._place += 1
            node = Operator(symbol, (node, self._binary(level + 1)))
        return node

    def _unary(self) -> Node:
        for symbol in ("!", "-"):
            if self._took(symbol):
                return Operator(symbol, (self._unary(),))
        return self._member(self._primary())

    def _member(self, node: Node) -> Node:
        while True:
            if self._took("."):
                name = self._next("name")
                node = Call(node, name, self._list(")")) if self._took("(") else Field(node, name)
            elif self._took("["):
                node = Operator("[]", (node, self._choice()))
                self._expect("]")
            else:
                return node

    def _primary(self) -> Node:
        if self._took("("):
            node = self._choice()
            self._expect(")")
            return node
        if self._took("["):
            return Items(self._list("]"))
        if self._place == len(self._tokens):
            raise self._unexpected()
        kind, word = self._tokens[self._place]
        self._place += 1
        if kind in _CONSTANTS:
            return Constant(_CONSTANTS[kind](word))
        if kind != "name":
            self._place -= 1
            raise self._unexpected()
        if word in _KNOWN:
            return Constant(_KNOWN[word])
        return Call(None, word, self._list(")")) if self._took("(") else Name(word)

    def _list(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._took(end):
            items.append(self._choice())
            if not self._took(","):
                self._expect(end)
                break
        return tuple(items)

    def _symbol(self) -> str:
        kind, word = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        return word if kind == "symbol" or word == "in" else ""

    def _took(self, symbol: str) -> bool:
        if self._symbol() != symbol:
            return False
        self._place += 1
        return True

    def _expect(self, symbol: str) -> None:
        if not self._took(symbol):
            raise self._unexpected()

    def _next(self, kind: str) -> str:
        if self._place == len(self._tokens) or self._tokens[self._place][0] != kind:
            raise self._unexpected()
        self._place += 1
        return self._tokens[self._place - 1][1]

    def _unexpected(self) -> CelError:
        found = self._tokens[self._place][1] if self._place < len(self._tokens) else "the end"
        return CelError(f"{self._text!r}: unexpected {found}")


def _unescaped(word: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), word[1:-1])


def _number(word: str) -> float | int:
    return float(word) if "." in word else int(word)


_CONSTANTS: dict[str, Callable[[str], Any]] = {
    "raw": lambda word: word[2:-1],
    "text": _unescaped,
    "number": _number,
}
