"""A ModelDeployment in the making, and the object that it is made from: what nobody reads there is told at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rollmodel.api.base import GROUP, VERSION
from rollmodel.cli.lint.findings import Path, written
from rollmodel.cli.lint.objects import object_problems

__all__ = ["Draft", "Note", "Source", "seconds"]

_ORDER = ("model", "runtime", "scale", "traffic", "rollout", "analysis")
#: Names of children have it in front.
_LONGEST_NAME = 52
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "ms": 0.001, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """About a field: ``kept`` in other words, ``missing`` on our side, or to be filled in (``todo``)."""

    path: str
    level: str
    text: str


class Source:
    """An object of another tool. Each field that is taken is remembered."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self._taken: set[Path] = set()

    def take(self, *path: str | int) -> Any:
        """The value of a field with all below it; None where there is none."""
        value = self.look(*path)
        if value is not None:
            self._taken.add(path)
        return value

    def look(self, *path: str | int) -> Any:
        """The same, and it is not read by that."""
        value: Any = self.body
        for part in path:
            if isinstance(value, dict) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def left(self, root: Path = ("spec",)) -> Iterator[Path]:
        """The highest fields of which nothing was taken."""
        if root in self._taken:
            return
        value = self.look(*root)
        below = any(taken[: len(root)] == root for taken in self._taken)
        if not below:
            if value not in (None, {}, []):
                yield root
        elif isinstance(value, dict):
            for key in value:
                yield from self.left((*root, key))
        elif isinstance(value, list):
            for index in range(len(value)):
                yield from self.left((*root, index))


@dataclass
class Draft:
    """What is written so far, and the notes about it."""

    source: Source
    spec: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the object, as far as a ModelDeployment may be called so."""
        words = re.sub(r"[^a-z0-9-]+", "-", str(self.source.look("metadata", "name") or "").lower())
        return words.lstrip("-0123456789")[:_LONGEST_NAME].rstrip("-") or "model"

    def put(self, value: Any, *path: str) -> None:
        """Write a field; nothing where there is no value."""
        if value is None or value in ({}, []):
            return
        place = self.spec
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value

    def move(self, source: Sequence[str | int], *path: str) -> Any:
        """Take a field as it is."""
        value = self.source.take(*source)
        self.put(value, *path)
        return value

    def kept(self, path: Sequence[str | int], text: str) -> None:
        """It is taken, and says the same in other words."""
        if self.source.take(*path) is not None:
            self.notes.append(Note(written(tuple(path)), "kept", text))

    def missing(self, path: Sequence[str | int], text: str) -> None:
        """There is no counterpart; what to do instead."""
        if self.source.take(*path) not in (None, {}, []):
            self.notes.append(Note(written(tuple(path)), "missing", text))

    def todo(self, path: str, text: str) -> None:
        """A field of ours that somebody has to look at; ``path`` is in the ModelDeployment."""
        self.notes.append(Note(path, "todo", text))

    def finish(self) -> dict[str, Any]:
        """The ModelDeployment, which the API server takes: a field that it would refuse is left out and told."""
        for path in self.source.left():
            self.notes.append(Note(written(path), "missing", "has no counterpart"))
        metadata, asked = {"name": self.name}, self.source.look("metadata", "name")
        if asked not in {None, self.name}:
            self.todo("metadata.name", f"{asked!r} cannot be the name of a ModelDeployment: another one is written")
        if self.source.look("metadata", "namespace"):
            metadata["namespace"] = self.source.look("metadata", "namespace")
        order = [part for part in _ORDER if part in self.spec]
        self.spec = {part: self.spec[part] for part in order}
        manifest = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "ModelDeployment",
            "metadata": metadata,
            "spec": self.spec,
        }
        while (problem := next(object_problems(manifest), None)) is not None:
            removed = _remove(self.spec, problem.path[1:])
            if not removed:
                break
            text = f"was left out, since it is refused: {written(problem.path)} {problem.message}"
            self.todo(f"spec.{removed}", text)
        return manifest


def seconds(text: Any) -> float | None:
    """A duration as Go and Kubernetes write it (``1h30m``, ``45s``, 45); None for anything else."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    parts = _DURATION.findall(str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text):
        return None
    return float(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _remove(spec: dict[str, Any], path: Path) -> str:
    """Take out the field below ``runtime``, ``traffic`` and so on in which the problem is; its name."""
    place, name = spec, str(path[0]) if path else ""
    if len(path) > 1 and isinstance(spec.get(name), dict) and path[1] in spec[name]:
        place, name = spec[name], str(path[1])
        del place[name]
        return f"{path[0]}.{name}"
    return f"{name}" if name and place.pop(name, None) is not None else ""
