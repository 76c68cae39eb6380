"""The folder that a fetch fills: whole or absent, and known to be ours by a marker beside it.

Our own files lie beside it (``.model.complete`` for ``model``), never in it: the digest of the folder is that of
the fetched files alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rollmodel.api.fields.digest import tree_digest
from rollmodel.errors import Invalid, Untrustworthy
from rollmodel.serving.digest import folder_digest, local_files
from rollmodel.serving.fetch.download import sync

__all__ = ["Destination"]


class Destination:
    """``path`` as the folder of the files with ``digest``, or of whatever comes where it is None.

    Use it while :meth:`locked`.
    """

    def __init__(self, path: Path, digest: str | None) -> None:
        self._path = path
        self._digest = digest

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One fetch at a time, also where several pods share a volume."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._beside("lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def is_complete(self) -> bool:
        """Whether the folder is what we wrote: the marker's digest, and size and time of every file.

        Clears away what we wrote before for another digest, or for none. Raises Invalid for a folder that is neither
        ours nor has the digest.
        """
        marker = self._beside("complete")
        if marker.exists():
            wanted = self._path.exists() and self._digest and self._facts(self._path, self._digest)
            if wanted and json.loads(marker.read_text()) == wanted:
                return True
            marker.unlink()
            shutil.rmtree(self._path, ignore_errors=True)
        if not self._path.exists() or not any(self._path.iterdir()):
            return False
        if self._digest is None or folder_digest(self._path) != self._digest:
            raise Invalid(f"{self._path} holds other files, not written by fetch", reason="DestinationNotEmpty")
        self._mark(self._path, self._digest)
        return True

    def work_folder(self) -> Path:
        """Where the download grows; what a try for another digest left, or for none, is removed."""
        work = self._beside(f"partial-{(self._digest or 'unpinned').removeprefix('sha256:')[:12]}")
        for other in work.parent.glob(f".{self._path.name}.partial-*"):
            if other != work or self._digest is None:
                shutil.rmtree(other)
        (work / "files").mkdir(parents=True, exist_ok=True)
        return work

    def publish(self, work: Path, digests: Mapping[str, str]) -> str:
        """Let the files of ``work`` appear, by one rename, if they are the wanted ones; their digest.

        The marker is first: a crash between the two leaves a marker without a folder, which counts for nothing.
        ``digests`` is {path: sha256 hex} of all files. Raises Untrustworthy (DigestMismatch), and removes them then.
        """
        found = tree_digest(digests)
        if self._digest not in {None, found}:
            shutil.rmtree(work)
            raise Untrustworthy(f"expected {self._digest} got {found}", reason="DigestMismatch")
        files = work / "files"
        for folder, _, _ in os.walk(files):
            sync(Path(folder))
        self._mark(files, found)
        files.rename(self._path)
        sync(self._path.parent)
        shutil.rmtree(work)
        return found

    def _mark(self, folder: Path, digest: str) -> None:
        partial = self._beside("draft")
        partial.write_text(json.dumps(self._facts(folder, digest)))
        sync(partial)
        partial.rename(self._beside("complete"))
        sync(self._path.parent)

    @staticmethod
    def _facts(folder: Path, digest: str) -> dict[str, object]:
        files = {path: [stat.st_size, stat.st_mtime_ns] for path, stat in local_files(folder)}
        return {"digest": digest, "files": files}

    def _beside(self, what: str) -> Path:
        return self._path.with_name(f".{self._path.name}.{what}")
