"""Tar archives as a form in which a model travels."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from rollmodel.errors import Invalid
from rollmodel.serving.fetch.download import write
from rollmodel.serving.fetch.progress import Progress
from rollmodel.serving.sources import checked_path, chunks_of

__all__ = ["unpack"]


def unpack(stream: BinaryIO, work: Path, progress: Progress) -> dict[str, str]:
    """Unpack a tar archive, compressed or not, as it arrives; {path: sha256 hex}.

    Only plain files and folders are accepted: links and devices could reach out of the folder. Owner and mode are
    not taken over. Raises Invalid, also for what is no archive.
    """
    digests: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                path = str(PurePosixPath(member.name))
                if member.isdir():
                    continue
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or checked_path(path) in digests:
                    raise Invalid(f"{path} is no plain file, or is there twice", reason="UnsafePath")
                target = work / "files" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                digests[path], size = write(target, chunks_of(content))
                progress.add(size)
    except tarfile.TarError as error:
        raise Invalid(f"not a tar archive, or a broken one ({error})") from error
    return digests
