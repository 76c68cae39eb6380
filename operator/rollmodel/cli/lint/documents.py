"""YAML files as objects that know where they were written."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import yaml

from rollmodel.api.base import GROUP
from rollmodel.api.coordination import CONFIG_MAP
from rollmodel.cli.lint.findings import Path
from rollmodel.errors import Invalid

__all__ = ["Document", "documents"]

_STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Document:
    """An object of a file. ``doubled``: fields that are written twice, of which all but the last are lost."""

    file: str
    body: dict[str, Any]
    node: yaml.Node
    doubled: tuple[Path, ...] = ()

    @property
    def kind(self) -> str:
        """``kind`` of the object; empty where it says none."""
        return str(self.body.get("kind", ""))

    @property
    def name(self) -> str:
        """The name, or what the API server would make one of."""
        metadata = self.body.get("metadata")
        found = metadata.get("name") or metadata.get("generateName") if isinstance(metadata, dict) else None
        return str(found or "without a name")

    @property
    def namespace(self) -> str:
        """The namespace; empty where it is left to kubectl."""
        metadata = self.body.get("metadata")
        return str(metadata.get("namespace") or "") if isinstance(metadata, dict) else ""

    @property
    def ours(self) -> bool:
        """Whether it is of our API group, or has rules of ours."""
        return str(self.body.get("apiVersion", "")).split("/")[0] == GROUP or self.rules

    @property
    def rules(self) -> bool:
        """Whether it is a ConfigMap with rules of rollouts."""
        return (self.body.get("apiVersion"), self.kind, self.name) == ("v1", "ConfigMap", CONFIG_MAP)

    def place(self, path: Path) -> str:
        """File and line of a field; of the next one above it that is written."""
        return f"{self.file}:{_node_at(self.node, path).start_mark.line + 1}"


class _Loader(yaml.SafeLoader):
    """As kubectl reads it: a date is a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the class above has it
        letter: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def documents(files: Sequence[str]) -> list[Document]:
    """All objects of these files, of the YAML files of folders, and of standard input (``-``). Raises Invalid."""
    return [document for file in files for path in _found(file) for document in _read(path)]


def _found(file: str) -> list[str]:
    if file == _STANDARD_INPUT or not File(file).is_dir():
        return [file]
    return sorted(str(path) for path in File(file).rglob("*") if path.suffix in {".yaml", ".yml"})


def _read(file: str) -> Iterator[Document]:
    try:
        text = sys.stdin.read() if file == _STANDARD_INPUT else File(file).read_text(encoding="utf-8")
        loader = _Loader(text)
        while (node := loader.get_node() if loader.check_node() else None) is not None:
            body = loader.construct_document(node)
            yield from _objects(file, body, node)
    except OSError as error:
        raise Invalid(f"cannot read {file}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is not YAML: {' '.join(str(error).split())}") from error


def _objects(file: str, body: Any, node: yaml.Node) -> Iterator[Document]:
    """The object, or the items of a List."""
    if not isinstance(body, dict):
        return
    if body.get("kind") == "List" and isinstance(body.get("items"), list):
        for index, item in enumerate(body["items"]):
            yield from _objects(file, item, _node_at(node, ("items", index)))
    else:
        yield Document(file, body, node, tuple(_doubled(node, ())))


def _doubled(node: yaml.Node, path: Path) -> Iterator[Path]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _doubled(item, (*path, index))
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*path, key.value)
            seen.add(str(key.value))
            yield from _doubled(value, (*path, key.value))


def _node_at(node: yaml.Node, path: Path) -> yaml.Node:
    """The node of a field: its key where it has one."""
    found = node
    for part in path:
        below = _entry(node, part)
        if below is None:
            return found
        found, node = below
    return found


def _entry(node: yaml.Node, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), None)
    return None
