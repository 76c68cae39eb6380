"""Queries that users write, bound to their namespace: they run with the operator's login.

Only the selectors are read, not the grammar: each must have the matcher ``namespace="..."`` of the object's own
namespace, which others beside it can only narrow. What is not understood is refused. Source of the lexical rules:
Prometheus, promql/parser/lex.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rollmodel.errors import Invalid

__all__ = ["check_bound"]

_TOKENS = re.compile(
    r"""\s+|\#[^\n]*"""
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"""
    r"""|(?P<number>\d[\w.]*|\.\d\w*)"""
    r"""|(?P<name>[A-Za-z_:][\w:]*)"""
    r"""|(?P<sign>=~|!~|!=|==|<=|>=|[-{}()\[\],=<>+*/%^@:])""",
    re.ASCII,
)
_SETTING = "ROLLMODEL_USER_QUERIES=OwnNamespace"
_LABELS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_GROUPS = {"by", "without"}
_WORDS = {"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"}
_OPERATORS = {"=", "!=", "=~", "!~"}

Token = tuple[str, str]
"""What it is (string, number, name, sign or end), and its text."""

_END: Token = ("end", "")


def check_bound(metric: str, query: str, namespace: str) -> None:
    """Raises Invalid where a selector of this PromQL may find series of other namespaces."""
    try:
        unbound = _first_unbound(query, namespace)
    except ValueError as error:
        raise Invalid(f"metric '{metric}': {error} ({_SETTING})", reason="InvalidQuery") from None
    if unbound is not None:
        raise Invalid(
            f"metric '{metric}': {unbound} is not bound to this namespace; begin each selector with {{{{ selector }}}},"
            f' or with namespace="{{{{ namespace }}}}" ({_SETTING})',
            reason="InvalidQuery",
        )


@lru_cache(maxsize=512)
def _first_unbound(query: str, namespace: str) -> str | None:
    """Asked in each pass of a rollout. Raises ValueError."""
    return next(_unbound(list(_read(query)), namespace), None)


def _read(query: str) -> Iterator[Token]:
    position = 0
    while position < len(query):
        found = _TOKENS.match(query, position)
        if found is None:
            raise ValueError(f"{query[position]!r} is not understood in a query")
        position = found.end()
        if found.lastgroup is not None:
            yield found.lastgroup, found.group()


def _unbound(tokens: Sequence[Token], namespace: str) -> Iterator[str]:
    """Selectors without the matcher, as they are written."""
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        following = tokens[position + 1] if position + 1 < len(tokens) else _END
        if text == "{" and kind == "sign":
            end = _closing(tokens, position, "}")
            if not _is_bound(tokens[position + 1 : end], namespace):
                yield "".join(part for _, part in tokens[position : end + 1])
            position = end
        elif text == "[" and kind == "sign":
            position = _closing(tokens, position, "]")
        elif kind == "name" and text.lower() in _LABELS and following == ("sign", "("):
            position = _closing(tokens, position, ")")
        elif kind == "name" and _is_metric(text, following):
            yield text
        position += 1


def _is_metric(text: str, following: Token) -> bool:
    """Whether a name is a selector without braces: no word of the language, and nothing that is called."""
    called = following == ("sign", "(") or (following[0] == "name" and following[1].lower() in _GROUPS)
    return text.lower() not in _WORDS | _LABELS and not called and following != ("sign", "{")


def _closing(tokens: Sequence[Token], position: int, sign: str) -> int:
    for index in range(position + 1, len(tokens)):
        if tokens[index] == ("sign", sign):
            return index
    raise ValueError(f"a {sign!r} is missing in the query")


def _is_bound(matchers: Sequence[Token], namespace: str) -> bool:
    """Whether these are matchers with commas between them, and one is that of the namespace.

    VictoriaMetrics knows ``or`` between them, which would find more.
    """
    bound = False
    for part in _between_commas(matchers):
        match part:
            case [("string", _)]:  # the name of the metric
                pass
            case [("name" | "string", label), ("sign", operator), ("string", value)] if operator in _OPERATORS:
                bound = bound or (label, operator, value[1:-1]) == ("namespace", "=", namespace)
            case _:
                return False
    return bound


def _between_commas(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token == ("sign", ","):
            yield part
            part = []
        else:
            part.append(token)
    if part:  # a comma may end the list
        yield part
