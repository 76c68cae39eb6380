"""Models on a volume that pods share: each is fetched from its store once, and copied from there into each pod.

A folder for each digest appears by one rename. What is copied out of it is hashed on the way, so whoever else writes to
the volume makes starts slow at most. Nothing about the volume ends a fetch: what does not work is told, and the model
comes from its store. See docs/adr/0021-model-cache.md.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rollmodel.api.fields.digest import tree_digest
from rollmodel.errors import Invalid, NotFound, RollmodelError, Untrustworthy
from rollmodel.serving.fetch.cache_room import Room, folder_name, opened
from rollmodel.serving.fetch.destination import Destination
from rollmodel.serving.fetch.download import sync
from rollmodel.serving.fetch.progress import Progress, watched
from rollmodel.serving.fetch.transfer import transfer
from rollmodel.serving.sources.local import LocalFiles
from rollmodel.text import plain

__all__ = ["Cache"]

#: How long a pod waits for another one that fetches the same model, before it fetches it for itself.
WAIT_SECONDS = 1800.0
_LOOK_SECONDS, _TELL_SECONDS = 0.2, 30.0

logger = logging.getLogger("rollmodel.fetch")

T = TypeVar("T")


class Cache:
    """The folder ``root`` of a shared volume. ``max_bytes`` None: as much as the volume has."""

    def __init__(self, root: Path, *, max_bytes: int | None = None, unused_days: float = 30.0) -> None:
        self._root = root
        self._room = Room(root, max_bytes, unused_days * 86400)
        self._works = True

    def take(self, digest: str, destination: Destination) -> bool:
        """Fill ``destination``, which is locked, from the cache; False where it has to come from its store."""
        entry = self._root / folder_name(digest)
        if not self._quietly(entry.is_dir):
            return False
        self._room.touch(entry.name)
        work, progress = destination.work_folder(), Progress()
        files = LocalFiles(entry, progress.work)
        try:
            digests = watched(lambda: transfer(files, work, pinned=True, progress=progress), progress)
            destination.publish(work, digests)
        except (Untrustworthy, Invalid, NotFound) as error:
            _report(f"it does not hold what it should, which is removed: {error}")
            self._quietly(lambda: self._room.remove(entry.name))
        except (OSError, RollmodelError) as error:
            self._give_up(error)
        else:
            logger.info("verified %d files from the cache: %s", len(digests), digest)
            return True
        shutil.rmtree(work, ignore_errors=True)
        return False

    @contextmanager
    def filling(self, digest: str) -> Iterator[bool]:
        """One pod at a time; whether this is the one that may :meth:`store`.

        It is not where another one takes too long, and where the volume has no locks.
        """
        lock = self._quietly(lambda: self._lock(folder_name(digest)))
        try:
            yield lock is not None
        finally:
            if lock is not None:
                os.close(lock)

    def store(self, digest: str, folder: Path) -> None:
        """Copy a verified folder into the cache, for others, while :meth:`filling`."""
        entry, progress = self._root / folder_name(digest), Progress()
        if self._quietly(entry.is_dir) is not False:
            return
        try:
            watched(lambda: self._copy(folder, digest, entry, progress), progress)
        except (OSError, RollmodelError) as error:
            self._give_up(error)
        else:
            self._room.touch(entry.name)
            logger.info("kept in the cache: %s", digest)

    def _copy(self, folder: Path, digest: str, entry: Path, progress: Progress) -> None:
        """In a folder whose name nobody can know before, so that no link of somebody else's is in the way."""
        files = LocalFiles(folder, progress.work)
        self._room.make(sum(file.size or 0 for file in files.list()))
        for left in self._root.glob(f".{entry.name}.partial-*"):  # by somebody who died: the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f".{entry.name}.partial-", dir=self._root))
        try:
            work.chmod(0o775)
            (work / "files").mkdir()
            found = tree_digest(transfer(files, work, pinned=True, progress=progress))
            if found != digest:
                raise Untrustworthy(f"expected {digest} got {found}", reason="DigestMismatch")
            for inner, _, _ in os.walk(work / "files"):
                sync(Path(inner))
            (work / "files").rename(entry)
            sync(self._root)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _lock(self, name: str) -> int | None:
        """The lock on filling, held, as an open file; None where it is not to be had."""
        self._root.mkdir(parents=True, exist_ok=True)
        lock = opened(self._root / f".{name}.filling")
        begin = told = time.monotonic()
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                now = time.monotonic()
            except OSError:
                os.close(lock)
                raise
            else:
                return lock
            if now - begin >= WAIT_SECONDS:
                os.close(lock)
                _report(f"another pod has been filling it for {now - begin:.0f} s")
                return None
            if told == begin or now - told >= _TELL_SECONDS:
                logger.info("waiting for another pod that fetches the same model")
                told = now
            time.sleep(_LOOK_SECONDS)

    def _quietly(self, action: Callable[[], T]) -> T | None:
        """The result; None where the volume does not work, which is told and remembered."""
        try:
            return action() if self._works else None
        except OSError as error:
            self._give_up(error)
            return None

    def _give_up(self, error: Exception) -> None:
        self._works = False
        said = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else str(error)
        advice = "; what the pod's group may write to is said by runtime.securityContext.fsGroup"
        _report(f"{said}{advice if isinstance(error, PermissionError) else ''}")


def _report(text: str) -> None:
    logger.warning("the cache is not used: %s", plain(text))
