"""Where files of models and of training inputs can come from: one class per kind of store, with the same two verbs.

A source lists files and opens one of them from an offset on. It never writes: ``serving.fetch.download`` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Protocol

from rollmodel.errors import Invalid

__all__ = ["CHUNK_BYTES", "Body", "RemoteFile", "Source", "checked_path", "chunks_of"]

CHUNK_BYTES = 1 << 20
"""How much of a file is in memory at once, per download."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as its store lists it: path relative to the model's root, size in bytes where the store knows it."""

    path: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a file from ``offset`` on: the offset that was asked for, or 0 where the store cannot resume."""

    offset: int
    chunks: Iterator[bytes]


class Source(Protocol):
    """A store of one model's files. Methods are called from several threads at once.

    Both methods raise NotFound, Forbidden, Invalid, and Unavailable, which alone is worth another try.
    """

    @property
    def resumable_unpinned(self) -> bool:
        """Whether an answer from an offset on is known to go on with what was listed, and not with newer content."""
        ...

    def list(self) -> Sequence[RemoteFile]:
        """All files of the model, never empty."""
        ...

    def open(self, path: str, offset: int) -> AbstractContextManager[Body]:
        """Stream one listed file."""
        ...


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """The rest of an open file, piece by piece."""
    return iter(lambda: file.read(CHUNK_BYTES), b"")


def checked_path(path: str) -> str:
    """A listed path, unchanged, if it stays below the folder it is joined to; else Invalid.

    A store is not trusted with names: absolute paths, ``..``, empty segments, backslashes and control characters
    are refused.
    """
    parts = path.split("/")
    if (
        any(part in {"", ".", ".."} for part in parts)
        or "\\" in path
        or not path.isprintable()
        or PurePosixPath(path).is_absolute()
    ):
        raise Invalid(f"the store lists a file with the unsafe name {path!r}", reason="UnsafePath")
    return path
