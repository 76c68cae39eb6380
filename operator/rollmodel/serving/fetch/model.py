"""``rollmodel fetch``: the init container that brings a model to the pod and proves that it is the pinned one.

The folder appears by one rename after every byte is on disk and the digest of all files is the wanted one; a marker
beside it makes a restarted pod start without a second download. Exit code 0 means: exactly this model is there.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from rollmodel.serving.fetch.destination import Destination
from rollmodel.serving.fetch.download import retry
from rollmodel.serving.fetch.progress import Progress, watched
from rollmodel.serving.fetch.transfer import exit_code, transfer
from rollmodel.serving.sources import Source
from rollmodel.serving.sources.factory import SCHEMES, open_source, web_login
from rollmodel.serving.sources.local import LocalFiles, claim_folder
from rollmodel.serving.sources.web import HttpArchive
from rollmodel.serving.termination import default_termination_log

__all__ = ["fetch", "main"]

logger = logging.getLogger("rollmodel.fetch")


def fetch(uri: str, digest: str, dest: Path, mounted: Path | None = None) -> None:
    """Make ``dest`` the folder of the model behind ``uri``, whose files have ``digest``; nothing else is accepted.

    A claim (``pvc://``) is copied from where it is ``mounted``, so that nobody changes the model after it was verified.
    Idempotent: a complete ``dest`` costs one stat per file, an interrupted download goes on where it was. Raises
    Untrustworthy (DigestMismatch), Terminal (NoSpace), Unavailable (TooSlow) and what
    :class:`rollmodel.serving.sources.Source` raises.
    """
    destination = Destination(dest, digest)
    with destination.locked():
        if destination.is_complete():
            logger.info("%s is complete already", dest)
            return
        work, progress = destination.work_folder(), Progress()
        digests = watched(
            lambda: transfer(_open(uri, mounted, progress), work, pinned=True, progress=progress), progress
        )
        destination.publish(work, digests)
        logger.info("verified %d files: %s", len(digests), digest)


def _open(uri: str, mounted: Path | None, progress: Progress) -> Source | HttpArchive:
    if uri.startswith("pvc://"):
        return LocalFiles(claim_folder(uri, mounted), progress.work)
    return retry(lambda: open_source(uri, auth=web_login(uri)))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rollmodel fetch", description="Fetch a model and verify its digest.")
    parser.add_argument("--uri", required=True, help=f"pvc://, {SCHEMES}")
    parser.add_argument("--digest", required=True, help="sha256:<hex> over all files, as `rollmodel digest` prints it")
    parser.add_argument("--dest", required=True, type=Path, help="folder to create; its parent must be writable")
    parser.add_argument("--mounted", type=Path, help="where the claim of pvc:// is mounted")
    parser.add_argument("--termination-log", type=Path, default=default_termination_log())
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """``rollmodel fetch``: 0 when the model is there and verified, else 1 and one line in the termination log."""
    arguments = _arguments(argv)
    return exit_code(
        lambda: fetch(arguments.uri, arguments.digest, arguments.dest, arguments.mounted), arguments.termination_log
    )
