"""Files from a source to disk: in parallel, in bounded memory, hashed on the way, resumed after a cut.

A file grows in ``parts/`` and moves to ``files/`` when it is complete and on disk, so a file in ``files/`` is whole
however the process before this one ended.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from rollmodel.backoff import Backoff
from rollmodel.errors import Invalid, Terminal, Unavailable
from rollmodel.serving.digest import ENTRY_BYTES, feed, sha256_of
from rollmodel.serving.fetch.progress import Progress
from rollmodel.serving.sources import RemoteFile, Source

__all__ = ["Download", "retry", "sync", "write"]

TRIES = 5
FIRST_PAUSE_SECONDS = 1.0

T = TypeVar("T")


def sync(path: Path) -> None:
    """Ask the kernel to put a file or a folder's entries on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def retry(call: Callable[[], T], *, pause: Callable[[float], object] = time.sleep) -> T:
    """The result of ``call``, tried again with growing pauses while it raises Unavailable, ``TRIES`` times in all."""
    backoff = Backoff(first=FIRST_PAUSE_SECONDS, jitter=0.0)
    for _ in range(TRIES - 1):
        try:
            return call()
        except Unavailable:
            pause(backoff.next())
    return call()


class Download:
    """All listed files of a source into ``work/files``; :meth:`run` returns {path: sha256 hex}.

    ``resume``: a transfer that broke goes on where it was; else it begins again.
    """

    def __init__(
        self,
        source: Source,
        files: Sequence[RemoteFile],
        work: Path,
        *,
        resume: bool = True,
        threads: int = 8,
        pause: Callable[[float], object] | None = None,
        progress: Progress | None = None,
    ) -> None:
        if len({file.path for file in files}) != len(files):
            raise Invalid("the store lists a file twice")
        self._source = source
        self._files = files
        self._work = work
        self._resume = resume
        self._threads = threads
        self._stop = threading.Event()
        self._pause = pause or self._stop.wait
        self._error: BaseException | None = None
        sizes = [file.size for file in files]
        self.progress = progress or Progress()
        self.progress.total = None if None in sizes else sum(size or 0 for size in sizes)

    def run(self) -> dict[str, str]:
        """Fetch what is missing. The first error stops all threads and is raised; what is on disk stays.

        The threads end with the process, as one that reads from a store that hangs would not end by itself.
        """
        left, digests = deque(self._files), dict[str, str]()
        workers = [
            threading.Thread(target=self._fetch_all, args=(left, digests), daemon=True)
            for _ in range(min(self._threads, len(left)))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self._error:
            raise self._error
        return {file.path: digests[file.path] for file in self._files}

    def _fetch_all(self, left: deque[RemoteFile], digests: dict[str, str]) -> None:
        with suppress(IndexError):  # nothing is left
            while True:
                file = left.popleft()
                digests[file.path] = self._guarded(file)

    def _guarded(self, file: RemoteFile) -> str:
        try:
            return "" if self._stop.is_set() else self._fetch(file)
        except BaseException as error:  # noqa: BLE001  raised by run, in the caller's thread
            self._error = self._error or error
            self._stop.set()
            return ""

    def _fetch(self, file: RemoteFile) -> str:
        self.progress.work(ENTRY_BYTES)
        done, part = self._work / "files" / file.path, self._work / "parts" / file.path
        if done.is_file() and done.stat().st_size == file.size:
            self.progress.add(done.stat().st_size)
            return sha256_of(done, self.progress.work)
        for path in (done, part):
            path.parent.mkdir(parents=True, exist_ok=True)
        digest = retry(lambda: self._transfer(file, part), pause=self._pause)
        part.rename(done)
        return digest

    def _transfer(self, file: RemoteFile, part: Path) -> str:
        have = part.stat().st_size if self._resume and part.exists() else 0
        with self._source.open(file.path, have if file.size is not None and have < file.size else 0) as body:
            digest, size = write(part, self._watched(body.chunks), offset=body.offset, counted=self.progress.work)
        if file.size is not None and size != file.size:
            raise Unavailable(f"{file.path} ended after {size} of {file.size} bytes", reason="Unreachable")
        return digest

    def _watched(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._stop.is_set():
                raise Terminal("stopped because another file failed")
            self.progress.add(len(chunk))
            yield chunk


def write(
    path: Path, chunks: Iterator[bytes], *, offset: int = 0, counted: Callable[[int], object] = lambda _: None
) -> tuple[str, int]:
    """Write chunks behind the first ``offset`` bytes of a file; return SHA-256 hex and size of all of it, on disk.

    ``counted`` is told of what is read again, in bytes.
    """
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(offset)
        digest = hashlib.sha256()
        feed(digest.update, file, counted)
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
        file.flush()
        os.fsync(file.fileno())
        return digest.hexdigest(), file.tell()
