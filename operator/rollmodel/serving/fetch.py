"""``rollmodel fetch``: the init container that brings a model to the pod and proves that it is the pinned one.

The folder appears by one rename after every byte is on disk and the digest of all files is the wanted one; a marker
beside it makes a restarted pod start without a second download. Exit code 0 means: exactly this model is there.
"""

from __future__ import annotations

import argparse
import errno
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rollmodel.api.digest import tree_digest
from rollmodel.errors import Invalid, RollmodelError, Terminal, Untrustworthy
from rollmodel.serving.archive import unpack
from rollmodel.serving.destination import Destination
from rollmodel.serving.digest import local_files
from rollmodel.serving.download import Download, patiently
from rollmodel.serving.progress import Progress
from rollmodel.serving.sources import RemoteFile, Source
from rollmodel.serving.sources.local import LocalFiles
from rollmodel.serving.sources.registry import MlflowArtifacts, MlflowServer
from rollmodel.serving.sources.s3 import S3Objects, s3_client
from rollmodel.serving.sources.web import HttpArchive, HttpFile, is_archive
from rollmodel.serving.termination import default_termination_log, report_failure

__all__ = ["fetch", "main", "open_source"]

SCHEMES = "models:/, runs:/, mlflow-artifacts:/, https://, s3://, file:// and plain paths"
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

logger = logging.getLogger("rollmodel.fetch")


def open_source(uri: str) -> Source | HttpArchive:
    """The store that a URI names. Raises Invalid for a scheme that we do not read, and what the registry answers."""
    scheme = urlsplit(uri).scheme
    if scheme in {"models", "runs", "mlflow-artifacts"}:
        return _registered(uri)
    if scheme in {"http", "https"}:
        return HttpArchive(uri) if is_archive(uri) else HttpFile(uri)
    if scheme == "s3":
        return _in_bucket(uri)
    if scheme in {"", "file"}:
        return LocalFiles(Path(unquote(urlsplit(uri).path) if scheme else uri))
    raise Invalid(f"{scheme}: is not supported; supported are {SCHEMES}", reason="Unsupported")


def _registered(uri: str) -> Source | HttpArchive:
    server = MlflowServer()
    stored = server.artifact_uri(uri)
    scheme = urlsplit(stored).scheme
    if scheme == "mlflow-artifacts":
        return MlflowArtifacts(server, urlsplit(stored).path)
    if scheme in {"", "file"}:
        raise Invalid(
            f"MLflow keeps {uri} at {stored}, on its own disk; start it with --artifacts-destination, "
            "so that it serves artifacts to others",
            reason="Unsupported",
        )
    return open_source(stored)


def _in_bucket(uri: str) -> Source:
    parts = urlsplit(uri)
    return S3Objects(s3_client(), parts.netloc, parts.path)


def fetch(uri: str, digest: str, dest: Path) -> None:
    """Make ``dest`` the folder of the model behind ``uri``, whose files have ``digest``; nothing else is accepted.

    Idempotent: a complete ``dest`` costs one stat per file, an interrupted download goes on where it was. Raises
    Untrustworthy (DigestMismatch), Terminal (NoSpace) and what :class:`rollmodel.serving.sources.Source` raises.
    """
    destination = Destination(dest, digest)
    with destination.locked():
        if destination.is_complete():
            logger.info("%s is complete already", dest)
            return
        work = destination.work_folder()
        digests = _download(uri, work)
        found = tree_digest(digests)
        if found != digest:
            shutil.rmtree(work)
            raise Untrustworthy(f"expected {digest} got {found}", reason="DigestMismatch")
        destination.publish(work)
        logger.info("verified %d files: %s", len(digests), digest)


def _download(uri: str, work: Path) -> dict[str, str]:
    source = patiently(lambda: open_source(uri))
    if isinstance(source, HttpArchive):
        shutil.rmtree(work / "files")
        progress = Progress(None)
        with source.stream() as stream:
            digests = unpack(stream, work, progress)
    else:
        files = patiently(source.list)
        _check_space(files, work)
        download = Download(source, files, work)
        progress = download.progress
        digests = download.run()
    logger.info("fetched %s", progress)
    return digests


def _check_space(files: Sequence[RemoteFile], work: Path) -> None:
    have = sum(stat.st_size for _, stat in local_files(work))
    need, free = sum(file.size or 0 for file in files) - have, shutil.disk_usage(work).free
    if need > free:
        sizes = f"{need / 1e6:.0f} MB more, {work.parent} has {free / 1e6:.0f} MB"
        raise Terminal(f"the model needs {sizes}", reason="NoSpace")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rollmodel fetch", description="Fetch a model and verify its digest.")
    parser.add_argument("--uri", required=True, help=SCHEMES)
    parser.add_argument("--digest", required=True, help="sha256:<hex> over all files, as `rollmodel digest` prints it")
    parser.add_argument("--dest", required=True, type=Path, help="folder to create; its parent must be writable")
    parser.add_argument("--termination-log", type=Path, default=default_termination_log())
    return parser.parse_args(argv)


def _as_ours(error: OSError) -> RollmodelError:
    reason = "NoSpace" if error.errno in NO_SPACE else "VolumeError"
    return Terminal(f"{error.strerror or type(error).__name__}: {error.filename or 'the volume'}", reason=reason)


def main(argv: Sequence[str] | None = None) -> int:
    """``rollmodel fetch``: 0 when the model is there and verified, else 1 and one line in the termination log."""
    arguments = _arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        fetch(arguments.uri, arguments.digest, arguments.dest)
    except RollmodelError as error:
        report_failure(error, arguments.termination_log)
    except OSError as error:
        report_failure(_as_ours(error), arguments.termination_log)
    else:
        return 0
    return 1
