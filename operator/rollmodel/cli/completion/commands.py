"""What can be completed: commands with their options, read from their own parsers."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from rollmodel.cli import COMMANDS

__all__ = ["Command", "Option", "Value", "command_of", "names"]

#: What stands for a value: words, a path, a namespace, objects of ours, or something that nobody can guess.
Value = Literal["words", "path", "namespace", "object", "text"]

_FORMS = re.compile(r"\(([^()]+)\)$")
#: It finds commands by name, as nobody below it may import it.
_ENTRY = "rollmodel.__main__"
#: Commands that people do not type.
_OF_PODS = {"fetch", "input", "serve", "count-log", "hold"}
_PATHS = {"FILE", "PATH", "KUBECONFIG", "OUT", "HTML", "CSV", "DIRECTORY", "FOLDER"}


@dataclass(frozen=True, slots=True)
class Option:
    """An option, or an argument without names. ``value`` is None for a switch."""

    names: Sequence[str]
    help: str
    value: Value | None
    words: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A command, its options, and what its arguments are; None where it takes none."""

    name: str
    help: str
    options: Sequence[Option]
    argument: Option | None


def names() -> dict[str, str]:
    """Name and purpose of each command that people use."""
    inner: Mapping[str, tuple[str, str]] = import_module(_ENTRY).COMMANDS
    return {name: text for name, (_, text) in {**COMMANDS, **inner}.items() if name not in _OF_PODS}


def command_of(name: str) -> Command:
    """One command, which imports what it needs."""
    actions = [one for one in _parser_of(name)._actions if one.help != argparse.SUPPRESS]  # noqa: SLF001 - no other way
    arguments = [_option(one) for one in actions if not one.option_strings]
    words = [word for one in arguments for word in one.words]
    argument = arguments[-1] if arguments else None
    if argument is not None and words:
        argument = Option((), argument.help, argument.value if argument.value != "text" else "words", words)
    return Command(name, names()[name], [_option(one) for one in actions if one.option_strings], argument)


def _option(action: argparse.Action) -> Option:
    words = _words(action)
    value = None if action.nargs == 0 else _value(action, words)
    return Option(tuple(action.option_strings), " ".join((action.help or "").split()), value, words)


def _words(action: argparse.Action) -> list[str]:
    """What may be said; forms of output stand in the help alone, for a template is one of them."""
    if action.dest == "output" and not action.choices:
        forms = _FORMS.search(action.help or "")
        return [one.removesuffix("TEMPLATE") for one in forms[1].split(", ")] if forms else []
    return [str(one) for one in action.choices or ()]


def _value(action: argparse.Action, words: Sequence[str]) -> Value:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if words:
        return "words"
    if action.dest == "namespace":
        return "namespace"
    if (metavar or action.dest).upper().rstrip("S") in _PATHS:
        return "path"
    return "object" if not action.option_strings else "text"


class _Found(Exception):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def _parser_of(name: str) -> argparse.ArgumentParser:
    """The parser that a command makes when it is asked for help: each command keeps its own."""
    with _caught():
        try:
            import_module(_ENTRY).main([name, "--help"])
        except _Found as found:
            return found.parser
    raise AssertionError(f"{name} has no help")


@contextmanager
def _caught() -> Iterator[None]:
    def found(self: argparse.ArgumentParser, *_: object) -> None:
        raise _Found(self)

    before = argparse.ArgumentParser.print_help
    argparse.ArgumentParser.print_help = found  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        argparse.ArgumentParser.print_help = before  # type: ignore[method-assign]
