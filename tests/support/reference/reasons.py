"""Which reasons of conditions the plan can write, read from its source.

A reason goes into a parameter, or a field of a record, that is called ``reason``. What is put there is followed to the
texts that it can be: through names, ``a if b else c``, tuples, and what functions return. What cannot be followed is
found, too, so that a test can ask where it comes from.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

__all__ = ["Reasons", "reasons_of"]

#: Whose ``reason`` is none of a condition: those of Events, and words for the history of a rollout.
OTHER_REASONS = frozenset(
    {
        "Event",
        "Move",
        "_blame",
        "_entry",
        "_note",
        "event",
        "promote",
        "retired",
        "supersede",
        "verdict",
        "with_event",
        "word",
    }
)
#: Where a value lies in a larger one, from the outside: its place in a tuple; None for any place of a sequence.
Within = tuple[int | None, ...]
#: Names that are made of themselves would lead deeper and deeper.
DEEPEST = 3
Found = tuple["Module", ast.expr, Within]


@dataclass
class Reasons:
    """Texts that can become a reason; and what is put there and cannot be followed, with its file."""

    texts: set[str] = field(default_factory=set)
    unknown: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, eq=False)
class Module:
    """A file of the plan."""

    name: str
    tree: ast.Module

    @cached_property
    def inside(self) -> Mapping[ast.AST, ast.FunctionDef]:
        """The innermost function that each node is in."""
        functions = [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)]
        return {node: function for function in functions for node in ast.walk(function)}

    @cached_property
    def constants(self) -> Mapping[str, ast.expr]:
        """What names at the top of the file are."""
        found: dict[str, ast.expr] = {}
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    found[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    found[name] = value
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                    pairs = zip(names, values, strict=True)
                    found.update((one.id, value) for one, value in pairs if isinstance(one, ast.Name))
                case _:
                    pass
        return found


def reasons_of(plan: Path) -> Reasons:
    """All reasons that files below this folder write."""
    texts = {path.relative_to(plan).as_posix(): path.read_text(encoding="utf-8") for path in sorted(plan.rglob("*.py"))}
    return _Reader([Module(name, ast.parse(text)) for name, text in texts.items()]).read()


class _Reader:
    def __init__(self, modules: list[Module]) -> None:
        self._modules = modules
        nodes = [(module, node) for module in modules for node in ast.walk(module.tree)]
        self._calls = [(module, node) for module, node in nodes if isinstance(node, ast.Call)]
        self._functions = [(module, node) for module, node in nodes if isinstance(node, ast.FunctionDef)]
        self._classes = [node for _, node in nodes if isinstance(node, ast.ClassDef)]
        self._seen: set[tuple[int, Within]] = set()

    def read(self) -> Reasons:
        found = Reasons()
        takers = sorted({one for one in self._takers() if one[0] not in OTHER_REASONS})
        waiting = [value for taker in takers for value in self._arguments(*taker, "reason")]
        while waiting:
            module, node, within = waiting.pop()
            if (id(node), within) in self._seen or len(within) > DEEPEST:
                continue
            self._seen.add((id(node), within))
            if isinstance(node, ast.Constant) and not within:
                found.texts.update([node.value] if isinstance(node.value, str) else [])
            elif (next_ := self._inner(module, node, within)) is not None:
                waiting.extend(next_)
            else:
                found.unknown.add((module.name, ast.unparse(node)))
        return found

    def _takers(self) -> Iterator[tuple[str, int, bool]]:
        """Functions and records that take a reason, with its place, and whether they are methods."""
        for _, function in self._functions:
            names = _parameters(function)
            if "reason" in names:
                yield function.name, names.index("reason"), _is_method(function)
        for one in self._classes:
            fields = [node.target for node in one.body if isinstance(node, ast.AnnAssign)]
            names = [target.id for target in fields if isinstance(target, ast.Name)]
            if "reason" in names:
                yield one.name, names.index("reason"), False

    def _arguments(self, called: str, position: int, method: bool, name: str) -> Iterator[Found]:
        """What all calls of a function put into one of its parameters; of ``*values`` the one that falls to it."""
        for module, call in self._calls:
            if _name(call.func) != called or (method and not isinstance(call.func, ast.Attribute)):
                continue
            yield from ((module, one.value, ()) for one in call.keywords if one.arg == name)
            for place, one in enumerate(call.args[: position + 1]):
                if isinstance(one, ast.Starred):
                    yield module, one.value, (position - place,)
                    break
                if place == position:
                    yield module, one, ()

    def _inner(self, module: Module, node: ast.expr, within: Within) -> list[Found] | None:
        """Where the value of an expression comes from; None where that is not known."""
        if isinstance(node, ast.Name):
            return self._named(module, node, within)
        if isinstance(node, ast.Call):
            return self._returned(module, node, within)
        if isinstance(node, ast.Attribute) and node.attr == "reason":
            return []  # of a record, whose reason is seen where it is made
        parts = _parts(node, within)
        return None if parts is None else [(module, one, rest) for one, rest in parts]

    def _named(self, module: Module, node: ast.Name, within: Within) -> list[Found] | None:
        function, name = module.inside.get(node), node.id
        if function is not None:
            found = list(_assigned(function, name))
            names = _parameters(function)
            if name in names and not found:
                calls = self._arguments(function.name, names.index(name), _is_method(function), name)
                return [(where, value, (*place, *within)) for where, value, place in calls]
            if found:
                return [(module, value, (*place, *within)) for value, place in found]
        if name in module.constants:
            return [(module, module.constants[name], within)]
        theirs = self._imported(module, name)
        return None if theirs is None or name not in theirs.constants else [(theirs, theirs.constants[name], within)]

    def _imported(self, module: Module, name: str) -> Module | None:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and name in {one.asname or one.name for one in node.names}:
                path = (node.module or "").removeprefix("rollmodel.plan.").replace(".", "/") + ".py"
                return next((one for one in self._modules if one.name == path), None)
        return None

    def _returned(self, module: Module, call: ast.Call, within: Within) -> list[Found] | None:
        name = _name(call.func)
        if name == "next" and isinstance(call.func, ast.Name):
            return [(module, call.args[0], (None, *within)), *((module, one, within) for one in call.args[1:])]
        home = module if isinstance(call.func, ast.Attribute) else self._imported(module, name) or module
        functions = [(where, one) for where, one in self._functions if one.name == name and where is home]
        found: list[Found] = []
        for where, function in functions:
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    found.append((where, node.value, within))
                elif isinstance(node, ast.Yield) and node.value is not None and within:
                    found.append((where, node.value, within[1:]))
                elif isinstance(node, ast.YieldFrom):
                    found.append((where, node.value, within))
        return found if functions else None


def _parts(node: ast.expr, within: Within) -> list[tuple[ast.expr, Within]] | None:
    """Expressions inside of this one that its value may be; None where it is not made of others."""
    found: list[tuple[ast.expr, Within]] | None = None
    match node:
        case ast.Constant(value=None):
            found = []
        case ast.IfExp():
            found = [(node.body, within), (node.orelse, within)]
        case ast.BoolOp():
            found = [(one, within) for one in node.values]
        case ast.NamedExpr():
            found = [(node.value, within)]
        case ast.Subscript(slice=ast.Constant(value=int(place))):
            found = [(node.value, (place, *within))]
        case _ if within:
            found = _elements(node, within[0], within[1:])
        case _:
            pass
    return found


def _elements(node: ast.expr, place: int | None, within: Within) -> list[tuple[ast.expr, Within]] | None:
    """What lies at this place of a tuple, a list, or the keys of a dict; None where that is not known."""
    match node:
        case ast.Tuple() if place is not None:
            return [(node.elts[place], within)]
        case ast.List() | ast.Tuple():
            return [(one, within) for one in node.elts]
        case ast.ListComp() | ast.GeneratorExp():
            return [(node.elt, within)]
        case ast.Dict() if place is None:
            return [(one, within) for one in node.keys if one is not None]
        case _:
            return None


def _assigned(function: ast.FunctionDef, name: str) -> Iterator[tuple[ast.expr, Within]]:
    """What a name is set to in a function, by ``=``, ``:=`` and ``for``."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[target], value=value) | ast.NamedExpr(target=target, value=value):
                yield from ((value, place) for place in _places(target, name))
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                yield from ((value, (None, *place)) for place in _places(target, name))
            case _:
                pass


def _places(target: ast.expr, name: str) -> Iterator[Within]:
    if isinstance(target, ast.Name) and target.id == name:
        yield ()
    if isinstance(target, ast.Tuple):
        yield from ((place,) for place, one in enumerate(target.elts) if isinstance(one, ast.Name) and one.id == name)


def _is_method(function: ast.FunctionDef) -> bool:
    return [one.arg for one in function.args.args[:1]] in (["self"], ["cls"])


def _parameters(function: ast.FunctionDef) -> list[str]:
    named = (*function.args.args, *function.args.kwonlyargs)
    return [one.arg for one in named if one.arg not in {"self", "cls"}]


def _name(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))
