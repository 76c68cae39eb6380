"""``rollmodel fetch``: the init container that brings a model to the pod and proves that it is the pinned one.

The folder appears by one rename after every byte is on disk and the digest of all files is the wanted one; a marker
beside it makes a restarted pod start without a second download. Exit code 0 means: exactly this model is there.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from rollmodel.errors import Invalid, Untrustworthy
from rollmodel.serving.digest import folder_digest
from rollmodel.serving.fetch.cache import Cache
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


def fetch(uri: str, digest: str, dest: Path, mounted: Path | None = None, cache: Cache | None = None) -> None:
    """Make ``dest`` the folder of the model behind ``uri``, whose files have ``digest``; nothing else is accepted.

    A claim (``pvc://``) is copied from where it is ``mounted``, so that nobody changes the model after it was verified;
    so are files of a ``cache``. An image (``oci://``) is mounted at ``dest`` and read there: nobody writes to it.
    Idempotent: a complete ``dest`` costs one stat per file, an interrupted download goes
    on where it was. Raises Untrustworthy (DigestMismatch), Terminal (NoSpace), Unavailable (TooSlow) and what
    :class:`rollmodel.serving.sources.Source` raises.
    """
    if uri.startswith("oci://"):
        _verify(dest, digest)
        return
    destination = Destination(dest, digest)

    def from_store() -> None:
        work, progress = destination.work_folder(), Progress()
        digests = watched(
            lambda: transfer(_open(uri, mounted, progress), work, pinned=True, progress=progress), progress
        )
        destination.publish(work, digests)
        logger.info("verified %d files: %s", len(digests), digest)

    with destination.locked():
        if destination.is_complete():
            logger.info("%s is complete already", dest)
        elif cache is None:
            from_store()
        elif not cache.take(digest, destination):
            with cache.filling(digest) as mine:
                if cache.take(digest, destination):
                    return
                from_store()
                if mine:
                    cache.store(digest, dest)
            if not destination.is_complete():  # a link in the cache led a copy to here
                from_store()


def _verify(mounted: Path, digest: str) -> None:
    """The files of an image.

    An API server without image volumes leaves the volume and its mounts out and says nothing, so there is no folder;
    one that does not know the field makes an empty one of it.
    """
    progress = Progress()
    if not mounted.exists() or (mounted.is_dir() and not any(mounted.iterdir())):
        raise Invalid(
            "the image is not mounted: image volumes take Kubernetes 1.35, or 1.33 and the feature gate ImageVolume",
            reason="NoImageVolume",
        )
    found = watched(lambda: folder_digest(mounted, counted=progress.work), progress)
    if found != digest:
        raise Untrustworthy(f"expected {digest} got {found}", reason="DigestMismatch")
    logger.info("verified the image: %s", digest)


def _open(uri: str, mounted: Path | None, progress: Progress) -> Source | HttpArchive:
    if uri.startswith("pvc://"):
        return LocalFiles(claim_folder(uri, mounted), progress.work)
    return retry(lambda: open_source(uri, auth=web_login(uri)))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rollmodel fetch", description="Fetch a model and verify its digest.")
    parser.add_argument("--uri", required=True, help=f"pvc://, oci://, {SCHEMES}")
    parser.add_argument("--digest", required=True, help="sha256:<hex> over all files, as `rollmodel digest` prints it")
    parser.add_argument(
        "--dest",
        required=True,
        type=Path,
        help="folder to create; its parent must be writable. Of oci://: where it is mounted",
    )
    parser.add_argument("--mounted", type=Path, help="where the claim of pvc:// is mounted")
    parser.add_argument("--cache", type=Path, help="folder of a volume that pods share, where models are kept")
    parser.add_argument("--cache-max-bytes", type=int, help="how much is kept there (default: as much as it has)")
    parser.add_argument("--cache-unused-days", type=float, default=30, help="how long what nobody uses is kept there")
    parser.add_argument("--termination-log", type=Path, default=default_termination_log())
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """``rollmodel fetch``: 0 when the model is there and verified, else 1 and one line in the termination log."""
    arguments = _arguments(argv)
    cache = None
    if arguments.cache is not None:
        os.umask(0o002)  # pods of other users, and of the same group, use it and make room in it
        limit, days = arguments.cache_max_bytes, arguments.cache_unused_days
        cache = Cache(arguments.cache / "rollmodel-models", max_bytes=limit, unused_days=days)
    return exit_code(
        lambda: fetch(arguments.uri, arguments.digest, arguments.dest, arguments.mounted, cache),
        arguments.termination_log,
    )
