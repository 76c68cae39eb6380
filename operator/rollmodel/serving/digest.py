"""The digest of a local folder: what ``rollmodel digest PATH`` prints and what a fetched model is checked against."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedIOBase, RawIOBase
from pathlib import Path
from typing import NoReturn

from rollmodel.api.fields.digest import tree_digest
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError

__all__ = ["ENTRY_BYTES", "feed", "folder_digest", "local_files", "main", "sha256_of"]

_BUFFER_BYTES = 1 << 18
#: What one name in a folder counts.
ENTRY_BYTES = 1000

#: Is told how many bytes were just read.
Counted = Callable[[int], object]


def _uncounted(_: int) -> None: ...


def local_files(root: Path, counted: Counted = _uncounted) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below ``root`` as (relative POSIX path, stat); a single file stands for itself.

    ``counted`` is told ``ENTRY_BYTES`` for each: on a volume in a network a million names take long, too.

    Raises NotFound where nothing is there, Invalid for links, sockets and devices (a link may lead anywhere, so its
    content is not pinned by the tree that holds it) and for names with control characters, and Forbidden for a folder
    that cannot be read: what is in it would be missing from the digest.
    """
    if not root.exists():
        raise NotFound(f"{root} does not exist")
    if root.is_file():
        yield root.name, root.stat()
        return
    for folder, folders, names in os.walk(root, onerror=_unreadable):
        for name in sorted((*folders, *names)):
            path = Path(folder, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise Invalid(f"{path.relative_to(root)} is neither a plain file nor a folder")
            if not name.isprintable():
                raise Invalid(f"the name {name!r} holds control characters", reason="UnsafePath")
            counted(ENTRY_BYTES)
            if path.is_file():
                yield path.relative_to(root).as_posix(), path.stat()


def _unreadable(error: OSError) -> NoReturn:
    raise Forbidden(f"{error.filename} cannot be read: {error.strerror}", reason="Unreadable")


def sha256_of(path: Path, counted: Counted = _uncounted) -> str:
    """Lower-case SHA-256 hex of a file's content."""
    with path.open("rb", buffering=0) as file:
        digest = hashlib.sha256()
        feed(digest.update, file, counted)
        return digest.hexdigest()


def feed(update: Callable[[memoryview], object], file: RawIOBase | BufferedIOBase, counted: Counted) -> None:
    """Give the rest of an open file to ``update``, piece by piece."""
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    while size := file.readinto(buffer):
        update(buffer[:size])
        counted(size)


def folder_digest(root: Path, *, threads: int | None = None, counted: Counted = _uncounted) -> str:
    """:func:`rollmodel.api.fields.digest.tree_digest` of a local folder, files hashed in parallel.

    ``counted`` is told of each piece, in bytes, and may raise to stop it. hashlib releases the interpreter lock, so
    threads use all cores. Raises NotFound and Invalid.
    """
    paths = [path for path, _ in local_files(root, counted)]
    if not paths:
        raise NotFound(f"{root} holds no files")
    base = root.parent if root.is_file() else root
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        return tree_digest(dict(zip(paths, pool.map(lambda path: sha256_of(base / path, counted), paths), strict=True)))


def main(argv: Sequence[str] | None = None) -> int:
    """``rollmodel digest PATH``: print the digest of a model folder; 1 where there is none."""
    parser = argparse.ArgumentParser(prog="rollmodel digest", description="Print the digest of a model's files.")
    parser.add_argument("path", type=Path, help="folder (or single file) of the model")
    path = parser.parse_args(argv).path
    try:
        sys.stdout.write(folder_digest(path) + "\n")
    except RollmodelError as error:
        sys.stderr.write(f"{error.reason}: {error}\n")
        return 1
    return 0
