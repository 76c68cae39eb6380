"""The table from image names to local commands (``localcluster/images.yaml``), and what identifies an image."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Image", "UnknownImageError", "load_images", "resolve"]


_REPOSITORY = Path(__file__).parents[3]
_IGNORED = "__pycache__"


class UnknownImageError(LookupError):
    """The image is not in the table: what a registry would answer for an image that it does not have."""


@dataclass(frozen=True, slots=True)
class Image:
    """What an image runs. ``process`` is False for an image that only pretends to run.

    ``folder`` of this repository is found by a container at the same place below its working directory, as a copy.
    """

    name: str
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    process: bool = True
    folder: str | None = None

    @property
    def id(self) -> str:
        """A reference by digest, as ``imageID`` shows it: the same for the same entry and the same files."""
        entry = {"entrypoint": self.entrypoint, "cmd": self.cmd, "env": dict(self.env), "process": self.process}
        digest = hashlib.sha256(json.dumps(entry, sort_keys=True).encode())
        for path in sorted((_REPOSITORY / self.folder).rglob("*")) if self.folder else ():
            if path.is_file() and _IGNORED not in path.parts:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{content}  {path.relative_to(_REPOSITORY)}\n".encode())
        return f"localcluster/{_repository(self.name).replace(':', '_')}@sha256:{digest.hexdigest()}"

    def unpack(self, workdir: Path) -> None:
        """Copy the image's files into a container's working directory. Raises OSError."""
        if self.folder:
            source, target = _REPOSITORY / self.folder, workdir / self.folder
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(_IGNORED))

    def argv(self, command: list[str] | None, args: list[str] | None, *, listen: str) -> list[str]:
        """The command line of a container, by the rules for ``command`` and ``args``; may be empty."""
        if command:
            return [*command, *(args or ())]
        own = (*self.entrypoint, *(() if args else self.cmd))
        return [*(self.fill(word, listen) for word in own), *(args or ())]

    def fill(self, text: str, listen: str) -> str:
        """Fill in the placeholders of the table."""
        return text.replace("{python}", sys.executable).replace("{listen}", listen)


def load_images(path: Path) -> dict[str, Image]:
    """Read the table. Raises ValueError where an entry is not understood."""
    table = yaml.safe_load(path.read_text()) or {}
    return {name: _image(name, entry or {}) for name, entry in table.items()}


def _image(name: str, entry: dict[str, Any]) -> Image:
    unknown = set(entry) - {"entrypoint", "cmd", "env", "process", "folder"}
    if unknown:
        raise ValueError(f"image {name}: unknown keys {sorted(unknown)}")
    return Image(
        name=name,
        entrypoint=tuple(entry.get("entrypoint", ())),
        cmd=tuple(entry.get("cmd", ())),
        env=entry.get("env", {}),
        process=entry.get("process", True),
        folder=entry.get("folder"),
    )


def resolve(images: Mapping[str, Image], reference: str) -> Image:
    """The image for a reference: by its full text first, then without digest, then without tag.

    Raises UnknownImageError, with a message as a registry would give.
    """
    without_digest, without_tag = reference.partition("@")[0], _repository(reference)
    for name in (reference, without_digest, without_tag):
        if name in images:
            return images[name]
    raise UnknownImageError(
        f'failed to pull image "{reference}": {without_tag}: not found in the image table of the local cluster'
    )


def _repository(reference: str) -> str:
    """A reference without digest and tag."""
    head, slash, last = reference.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
