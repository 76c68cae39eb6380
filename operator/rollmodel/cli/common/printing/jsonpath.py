"""What ``kubectl -o jsonpath=...`` understands, as far as people use it: a template of text and ``{...}``.

The language is that of https://kubernetes.io/docs/reference/kubectl/jsonpath/ without unions and steps of slices; what
is not understood is refused, never guessed at. As with kubectl a field that is not there prints nothing, several values
stand side by side, and objects are printed as JSON. In ``['a.b']`` a dot needs no backslash, as it does with kubectl.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ALLOWED", "JsonPathError", "Template", "compiled"]

ALLOWED = (
    """{.name}, {['name']}, {.a\\.b}, {[0]}, {[-1]}, {[0:2]}, {[*]}, {..name}, {[?(@.type=="Ready")]},"""
    """ {range .items[*]} to {end}, {"text"}"""
)
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_ACTION = re.compile(rf"""\{{((?:[^{{}}"']|{_QUOTED})*)\}}""")
_NAME = r"""(?:[^\s.\[\](){}\\'"*?,:@$=<>!]|\\.)+"""
_FILTER = re.compile(
    rf"\s*@(?P<path>.*?)\s*(?:(?P<sign>==|!=|<=|>=|<|>)\s*(?P<value>{_QUOTED}|[^\s'\"]+)\s*)?", re.DOTALL
)
_STEPS = re.compile(
    rf"""\.\.(?P<deep>{_NAME})|\.(?P<name>{_NAME})|(?P<all>\.\*|\[\*\])|\[(?P<index>-?\d{{1,9}})\]"""
    rf"""|\[(?P<first>-?\d{{0,9}}):(?P<last>-?\d{{0,9}})\]|\[(?P<key>{_QUOTED})\]|\[\?\((?P<filter>(?:[^"']|{_QUOTED})*?)\)\]"""
)
_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}

#: From one value to those that a step leads to.
Step = Callable[[Any], Iterator[Any]]


class JsonPathError(ValueError):
    """A template that is not understood; the message says where, and what is allowed."""


@dataclass(frozen=True, slots=True)
class _Range:
    path: Sequence[Step]
    parts: Sequence[_Part]


_Part = str | tuple[Step, ...] | _Range


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was understood."""

    parts: Sequence[_Part]

    def render(self, data: Any) -> str:
        """The text for this JSON value."""
        return "".join(_rendered(self.parts, data))


def compiled(text: str) -> Template:
    """The template of a text. Raises :class:`JsonPathError`."""
    open_ranges: list[tuple[Sequence[Step], list[_Part]]] = [((), [])]
    at = 0
    for match in _ACTION.finditer(text):
        _add_text(open_ranges[-1][1], text[at : match.start()])
        at, action = match.end(), match[1].strip()
        if action == "end" and len(open_ranges) > 1:
            path, parts = open_ranges.pop()
            open_ranges[-1][1].append(_Range(path, tuple(parts)))
        elif action.startswith("range "):
            open_ranges.append((_path(action.removeprefix("range ").strip()), []))
        elif re.fullmatch(_QUOTED, action, re.DOTALL):
            open_ranges[-1][1].append(_unquoted(action))
        else:
            open_ranges[-1][1].append(_path(action))
    _add_text(open_ranges[-1][1], text[at:])
    if len(open_ranges) > 1:
        raise JsonPathError("{range} has no {end}")
    parts = open_ranges[0][1]
    if all(isinstance(part, str) for part in parts) and not at:
        raise JsonPathError(
            f"{text!r} names no field: say which in braces, e.g. {{.metadata.name}}; allowed are {ALLOWED}"
        )
    return Template(tuple(parts))


def _add_text(parts: list[_Part], text: str) -> None:
    if "{" in text or "}" in text:
        raise JsonPathError(f"a brace or quote is not closed in {text!r}; allowed are {ALLOWED}")
    if text:
        parts.append(text)


def _path(text: str) -> tuple[Step, ...]:
    """The steps of ``.a.b[0]``; ``$``, ``@`` and ``.`` alone are the value itself."""
    rest = text[1:] if text[:1] in {"$", "@"} else text
    if text and rest in {"", "."}:
        return ()
    steps = []
    while match := _STEPS.match(rest):
        steps.append(_step(match))
        rest = rest[match.end() :]
    if rest or not text:
        raise JsonPathError(f"{rest!r} in {{{text}}} is not understood; allowed are {ALLOWED}")
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    """The step that one of the patterns found; ``[*]`` and ``.*`` have no words of their own."""
    kind = match.lastgroup or "all"
    return _STEP_KINDS[kind](match)


def _of_name(match: re.Match[str]) -> Step:
    name = _unescaped(match["name"])
    return lambda value: _field(value, name)


def _of_key(match: re.Match[str]) -> Step:
    name = _unquoted(match["key"])
    return lambda value: _field(value, name)


def _of_deep(match: re.Match[str]) -> Step:
    name = _unescaped(match["deep"])
    return lambda value: (one for inner in _deep(value) for one in _field(inner, name))


def _of_index(match: re.Match[str]) -> Step:
    index = int(match["index"])
    return lambda value: _slice(value, slice(index, index + 1 or None))


def _of_slice(match: re.Match[str]) -> Step:
    part = slice(*(int(edge) if edge else None for edge in (match["first"], match["last"])))
    return lambda value: _slice(value, part)


def _of_filter(match: re.Match[str]) -> Step:
    holds = _filter(match["filter"])
    return lambda value: (one for one in _children(value) if holds(one))


#: By the last group of ``_STEPS`` that matched.
_STEP_KINDS: Mapping[str, Callable[[re.Match[str]], Step]] = {
    "name": _of_name,
    "key": _of_key,
    "deep": _of_deep,
    "index": _of_index,
    "last": _of_slice,
    "filter": _of_filter,
    "all": lambda _: _children,
}


def _filter(text: str) -> Callable[[Any], bool]:
    """Whether a value is meant by ``@.type=="Ready"``, or by ``@.type``, which says that there is one."""
    match = _FILTER.fullmatch(text)
    if match is None:
        raise JsonPathError(f"the filter {text!r} is not understood; allowed are {ALLOWED}")
    path = _path(f"@{match['path']}")
    if match["sign"] is None:
        return lambda value: any(True for _ in _followed(path, value))
    compare, wanted = _SIGNS[match["sign"]], _literal(match["value"])
    return lambda value: any(_holds(compare, one, wanted) for one in _followed(path, value))


def _holds(compare: Callable[[Any, Any], Any], value: Any, wanted: Any) -> bool:
    try:
        return bool(compare(value, wanted))
    except TypeError:
        return False


def _literal(text: str) -> Any:
    if re.fullmatch(_QUOTED, text, re.DOTALL):
        return _unquoted(text)
    try:
        value = json.loads(text)
    except ValueError:
        value = {}
    if isinstance(value, dict | list):
        raise JsonPathError(f"{text!r} is no value to compare with: say a text in quotes, a number, true or false")
    return value


def _rendered(parts: Sequence[_Part], data: Any) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, _Range):
            for value in _followed(part.path, data):
                yield from _rendered(part.parts, value)
        else:
            yield " ".join(_text(value) for value in _followed(part, data))


def _followed(path: Sequence[Step], value: Any) -> Iterator[Any]:
    if not path:
        yield value
        return
    for one in path[0](value):
        yield from _followed(path[1:], one)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _field(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, Mapping) and name in value:
        yield value[name]


def _slice(value: Any, part: slice) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        yield from value[part]


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value


def _deep(value: Any) -> Iterator[Any]:
    """The value, and all that is in it."""
    yield value
    for one in _children(value):
        yield from _deep(one)


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1], flags=re.DOTALL)
