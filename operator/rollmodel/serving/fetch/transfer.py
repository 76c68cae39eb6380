"""What ``rollmodel fetch`` and ``rollmodel input`` share: a source's files to disk, and one line about a failure."""

from __future__ import annotations

import errno
import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rollmodel.errors import RollmodelError, Terminal
from rollmodel.serving.digest import local_files
from rollmodel.serving.fetch.archive import unpack
from rollmodel.serving.fetch.download import Download, retry
from rollmodel.serving.fetch.progress import Progress
from rollmodel.serving.sources import RemoteFile, Source
from rollmodel.serving.sources.web import HttpArchive
from rollmodel.serving.termination import report_failure

__all__ = ["exit_code", "transfer"]

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

logger = logging.getLogger("rollmodel.fetch")


def transfer(source: Source | HttpArchive, work: Path, *, pinned: bool, progress: Progress) -> dict[str, str]:
    """All files of a source into ``work/files``; {path: sha256 hex}.

    ``pinned`` says that the digest is known: without it, a file is only put together from several answers where the
    source knows them to be of the same content. Raises Terminal (NoSpace), OSError and what a Source raises.
    """
    if isinstance(source, HttpArchive):
        shutil.rmtree(work / "files")
        with source.stream() as stream:
            digests = unpack(stream, work, progress)
    else:
        files = retry(source.list)
        _check_space(files, work)
        resume = pinned or source.resumable_unpinned
        digests = Download(source, files, work, resume=resume, progress=progress).run()
    logger.info("fetched %s", progress)
    return digests


def _check_space(files: Sequence[RemoteFile], work: Path) -> None:
    have = sum(stat.st_size for _, stat in local_files(work))
    need, free = sum(file.size or 0 for file in files) - have, shutil.disk_usage(work).free
    if need > free:
        sizes = f"{need / 1e6:.0f} MB more, {work.parent} has {free / 1e6:.0f} MB"
        raise Terminal(f"the files need {sizes}", reason="NoSpace")


def exit_code(action: Callable[[], None], termination_log: Path) -> int:
    """Run a command's work: 0, or 1 with one line in the termination log where it raises RollmodelError or OSError."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        action()
    except RollmodelError as error:
        report_failure(error, termination_log)
    except OSError as error:
        report_failure(_as_ours(error), termination_log)
    else:
        return 0
    return 1


def _as_ours(error: OSError) -> RollmodelError:
    reason = "NoSpace" if error.errno in NO_SPACE else "VolumeError"
    return Terminal(f"{error.strerror or type(error).__name__}: {error.filename or 'the volume'}", reason=reason)
