"""Where things are kept, locks between processes, and writing a file so that it is whole or absent."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["PARTIAL", "locked", "user_cache", "written_whole"]

PARTIAL = ".partial"
"""Suffix of a file that is being written."""


def user_cache() -> Path:
    """The folder ``rollmodel/localcluster`` of the user's cache (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "rollmodel" / "localcluster"


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file ``path``; call ``on_wait`` once if another process holds it. The kernel frees it at exit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def written_whole(target: Path, mode: int = 0o644) -> Iterator[Path]:
    """Give a temporary path beside ``target`` to write to, and rename it to ``target`` if the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=PARTIAL, dir=target.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(mode)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
