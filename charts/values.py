"""Reads ``values.yaml`` with its comments: what a value is for stands above it, ``## Title`` begins a section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

__all__ = ["Value", "read"]

_KEY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the chart: ``path`` from the root, what it is for, and what it is where nobody says otherwise."""

    path: tuple[str, ...]
    text: str
    default: Any
    section: str

    @property
    def name(self) -> str:
        """As ``helm --set`` writes it."""
        return ".".join(self.path)


def read(text: str) -> list[Value]:
    """The values in the order of the file. Raises ValueError for one that nobody explains."""
    defaults = yaml.safe_load(text)
    explained = list(_explained(text))
    silent = sorted(
        set(_leaves(defaults)) - {covered for path, _, _ in explained for covered in _below(defaults, path)}
    )
    if silent:
        raise ValueError(f"no comment above: {', '.join('.'.join(path) for path in silent)}")
    return [Value(path, words, _at(defaults, path), section) for path, words, section in explained]


def _explained(text: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Path, comment and section of each key that has a comment right above it."""
    path: list[str] = []
    comment: list[str] = []
    section = ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("## "):
            section = stripped.removeprefix("## ")
        elif stripped.startswith("#"):
            comment.append(stripped.removeprefix("#").strip())
            continue
        elif found := _KEY.match(line):
            del path[len(found["indent"]) // 2 :]
            path.append(found["key"])
            if comment:
                yield tuple(path), " ".join(comment), section
        comment = []


def _leaves(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path


def _below(defaults: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The leaves that a comment above ``path`` speaks of."""
    return _leaves(_at(defaults, path), path)


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values
