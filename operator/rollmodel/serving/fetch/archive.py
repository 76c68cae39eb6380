"""Tar archives as a form in which a model travels."""

from __future__ import annotations

import errno
import lzma
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from rollmodel.errors import Invalid, Terminal
from rollmodel.serving.fetch.download import write
from rollmodel.serving.fetch.progress import Progress
from rollmodel.serving.sources import checked_path, chunks_of

__all__ = ["unpack"]

#: How many times as large as what was read of an archive its files may be, where they are more than GROWTH_FREE bytes.
GROWTH_LIMIT, GROWTH_FREE = 100, 2**30
#: What the file system says of names that are too long, or of a file that is a folder elsewhere in the archive.
_NO_SUCH_FILE = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


def unpack(stream: BinaryIO, work: Path, progress: Progress) -> dict[str, str]:
    """Unpack a tar archive, compressed or not, as it arrives; {path: sha256 hex}.

    Only plain files and folders are accepted: links and devices could reach out of the folder. Owner and mode are
    not taken over. Raises Invalid, also for what is no archive, or grows out of all proportion; Terminal (NoSpace)
    where the volume has no room for the next file.
    """
    digests: dict[str, str] = {}
    counted = _Counted(stream, progress)
    unpacked = 0
    try:
        with _opened(counted) as archive:
            for member in archive:
                path = str(PurePosixPath(member.name))
                if member.isdir():
                    continue
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or checked_path(path) in digests:
                    raise Invalid(f"{path} is no plain file, or is there twice", reason="UnsafePath")
                unpacked += member.size
                _check_size(unpacked, counted.read_bytes)
                _check_space(path, member.size, work)
                target = work / "files" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                digests[path], size = write(target, chunks_of(content))
                progress.add(size)
    except EOFError as error:
        message = "the archive is cut off, or a .bz2 of several streams (as pbzip2 writes them), which is not supported"
        raise Invalid(message) from error
    except (tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        raise Invalid(f"not a tar archive, or a broken one ({error})") from error
    except OSError as error:
        if error.errno not in _NO_SUCH_FILE:
            raise
        message = f"a name in the archive cannot be a file's: {error.strerror}"
        raise Invalid(message, reason="UnsafePath") from error
    return digests


def _opened(stream: _Counted) -> tarfile.TarFile:
    """The archive as it arrives. tarfile raises TypeError for a gzip header that is cut off."""
    try:
        return tarfile.open(fileobj=stream, mode="r|*")  # type: ignore[call-overload,no-any-return]  # it only reads
    except TypeError as error:
        raise EOFError from error


class _Counted:
    """A stream that knows how much was read of it."""

    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self.read_bytes += len(content)
        self._progress.work(len(content))
        return content


def _check_size(unpacked: int, packed: int) -> None:
    if unpacked > GROWTH_FREE and unpacked > GROWTH_LIMIT * packed:
        raise Invalid(
            f"the archive grows from {packed:,} to {unpacked:,} bytes or more; {GROWTH_LIMIT}-fold is unpacked at most",
            reason="ArchiveTooLarge",
        )


def _check_space(path: str, size: int, work: Path) -> None:
    free = shutil.disk_usage(work).free
    if size > free:
        message = f"{path} needs {size / 1e6:.0f} MB, {work.parent} has {free / 1e6:.0f} MB"
        raise Terminal(message, reason="NoSpace")
