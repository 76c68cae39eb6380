"""Files on a mounted volume: ``file://`` and plain paths, which is also how a PersistentVolumeClaim arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from rollmodel.errors import Invalid, NotFound
from rollmodel.serving.digest import local_files
from rollmodel.serving.sources import Body, RemoteFile, checked_path, chunks_of

__all__ = ["LocalFiles", "claim_folder"]


def claim_folder(uri: str, mounted: Path | None) -> Path:
    """The folder or file that ``pvc://claim/path`` names, in the claim at ``mounted``.

    Raises Invalid (also UnsafePath, for a path that leads out of the claim).
    """
    if mounted is None:
        raise Invalid("pvc:// is read where the claim is mounted: --mounted is missing")
    path = unquote(uri.removeprefix("pvc://").partition("/")[2]).strip("/")
    root = mounted / checked_path(path) if path else mounted
    if not root.resolve().is_relative_to(mounted.resolve()):
        raise Invalid(f"{path} leads out of the claim", reason="UnsafePath")
    return root


class LocalFiles:
    """A folder, or a single file, of this machine."""

    resumable_unpinned = False

    def __init__(self, root: Path, counted: Callable[[int], object] = lambda _: None) -> None:
        """``counted`` is told of what is listed, see :func:`rollmodel.serving.digest.local_files`."""
        self._root = root
        self._counted = counted

    def list(self) -> Sequence[RemoteFile]:
        """All plain files below the folder. Raises NotFound, and Invalid for links and devices."""
        files = [RemoteFile(path, stat.st_size) for path, stat in local_files(self._root, self._counted)]
        if not files:
            raise NotFound(f"{self._root} holds no files")
        return files

    @contextmanager
    def open(self, path: str, offset: int) -> Iterator[Body]:
        """Read one file from ``offset`` on."""
        base = self._root.parent if self._root.is_file() else self._root
        with (base / path).open("rb") as file:
            file.seek(offset)
            yield Body(offset, chunks_of(file))
