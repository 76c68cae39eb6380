"""The folder that a fetch fills: whole or absent, and known to be ours by a marker beside it.

Our own files lie beside the model (``.model.complete`` for ``model``), never in it: the digest of the folder is that
of the model's files alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rollmodel.errors import Invalid
from rollmodel.serving.digest import folder_digest, local_files
from rollmodel.serving.download import sync

__all__ = ["Destination"]


class Destination:
    """``path`` as the folder of the model with ``digest``. Use it while :meth:`locked`."""

    def __init__(self, path: Path, digest: str) -> None:
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

        Clears away what we wrote before for another digest. Raises Invalid for a folder that is neither ours nor
        the model.
        """
        marker = self._beside("complete")
        if marker.exists():
            if self._path.exists() and json.loads(marker.read_text()) == self._facts():
                return True
            marker.unlink()
            shutil.rmtree(self._path, ignore_errors=True)
        if not self._path.exists() or not any(self._path.iterdir()):
            return False
        if folder_digest(self._path) != self._digest:
            raise Invalid(f"{self._path} holds other files, not written by fetch", reason="DestinationNotEmpty")
        self._mark()
        return True

    def work_folder(self) -> Path:
        """Where the download grows; what a try for another digest left is removed."""
        work = self._beside(f"partial-{self._digest.removeprefix('sha256:')[:12]}")
        for other in work.parent.glob(f".{self._path.name}.partial-*"):
            if other != work:
                shutil.rmtree(other)
        (work / "files").mkdir(parents=True, exist_ok=True)
        return work

    def publish(self, work: Path) -> None:
        """The folder first, by one rename; then the marker. A crash between the two costs a hash of the folder."""
        for folder, _, _ in os.walk(work / "files"):
            sync(Path(folder))
        (work / "files").rename(self._path)
        sync(self._path.parent)
        self._mark()
        shutil.rmtree(work)

    def _mark(self) -> None:
        draft = self._beside("draft")
        draft.write_text(json.dumps(self._facts()))
        sync(draft)
        draft.rename(self._beside("complete"))
        sync(self._path.parent)

    def _facts(self) -> dict[str, object]:
        files = {path: [stat.st_size, stat.st_mtime_ns] for path, stat in local_files(self._path)}
        return {"digest": self._digest, "files": files}

    def _beside(self, what: str) -> Path:
        return self._path.with_name(f".{self._path.name}.{what}")
