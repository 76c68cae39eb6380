"""Which models a cache keeps: those that were used last, as far as there is room.

No pod knows what others want, and none has the right to ask. So who stores a model makes room for it: what was unused
for long goes, then what was used longest ago, but for what was used within the last hour.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rollmodel.errors import Terminal

__all__ = ["KEPT_SECONDS", "Room", "folder_name", "opened"]

#: What was used within the last hour is wanted by somebody: two models that do not fit side by side would else push
#: each other out at every start of a pod.
KEPT_SECONDS = 3600.0

_OURS = re.compile(r"\.?(sha256-[0-9a-f]{64})(\..+)?")


def folder_name(digest: str) -> str:
    """How the folder of a digest is called."""
    return digest.replace(":", "-")


def opened(lock: Path) -> int:
    """An open file to lock; never a link that leads elsewhere, and nothing that makes wait. Raises OSError."""
    return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o664)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A model in the cache: bytes, and when it was used (Unix time). ``whole``: not just what a crash left of it."""

    name: str
    size: int
    used: float
    whole: bool


class Room:
    """The room in ``root``: at most ``max_bytes``, None for all; ``unused_seconds`` are how long nobody needs one."""

    def __init__(self, root: Path, max_bytes: int | None, unused_seconds: float) -> None:
        self._root, self._max_bytes, self._unused = root, max_bytes, unused_seconds

    def make(self, need: int) -> None:
        """Remove models until ``need`` bytes fit. Raises Terminal (NoSpace), OSError."""
        now, kept = time.time(), sorted(self._kept(), key=lambda one: one.used)
        useless = [one for one in kept if not one.whole or now - one.used > self._unused]
        for one in useless:
            self.remove(one.name)
        kept = [one for one in kept if one not in useless]
        while (missing := self._missing(need, kept)) > 0:
            if not kept or now - kept[0].used < KEPT_SECONDS:
                message = f"{need / 1e6:.0f} MB are needed, {missing / 1e6:.0f} MB more than it has"
                raise Terminal(f"{message} beside what was used within the last hour", reason="NoSpace")
            self.remove(kept.pop(0).name)

    def touch(self, name: str) -> None:
        """It is used now."""
        with suppress(OSError):
            file = opened(self._beside(name, "used"))
            try:
                os.utime(file)
            finally:
                os.close(file)

    def remove(self, name: str) -> None:
        """Take a model away, with what lies beside it, unless somebody fills it now.

        Who copies from it at this moment finds files missing, and fetches the model from its store.
        """
        with self._free(name) as free:
            for path in (self._root / name, *self._root.glob(f".{name}.*")) if free else ():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _missing(self, need: int, kept: Sequence[_Kept]) -> float:
        """How many bytes are too few."""
        free = shutil.disk_usage(self._root).free
        allowed = float("inf") if self._max_bytes is None else self._max_bytes - sum(one.size for one in kept)
        return need - min(free, allowed)

    def _kept(self) -> Iterator[_Kept]:
        """Each model here that nobody fills now."""
        names = {found[1] for path in self._root.iterdir() if (found := _OURS.fullmatch(path.name))}
        for name in names:
            with self._free(name) as free:
                if free:
                    entry, used = self._root / name, self._beside(name, "used")
                    last = next((path.lstat().st_mtime for path in (used, entry) if path.exists()), 0.0)
                    yield _Kept(name, _size(entry), last, entry.is_dir())

    @contextmanager
    def _free(self, name: str) -> Iterator[bool]:
        """Whether nobody fills it; nobody begins to meanwhile. What cannot be locked is somebody else's business."""
        lock = self._beside(name, "filling")
        if not lock.exists():
            yield True
            return
        file = _locked(lock)
        try:
            yield file is not None
        finally:
            if file is not None:
                os.close(file)

    def _beside(self, name: str, what: str) -> Path:
        return self._root / f".{name}.{what}"


def _locked(lock: Path) -> int | None:
    """The lock as an open file, if it is to be had at once."""
    with suppress(OSError):
        file = opened(lock)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
        else:
            return file
    return None


def _size(folder: Path) -> int:
    """Bytes below a folder; what goes away meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total
