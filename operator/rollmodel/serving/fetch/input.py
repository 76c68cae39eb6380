"""``rollmodel input``: the init container that brings one input of a training to the pod, and says what it brought.

What is pinned, by version or digest, is verified; what is not is resolved here, once: the report in the termination
log is what the operator records and pins all later attempts with (docs/adr/0004-training-jobs.md, decision 6).
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rollmodel.errors import Invalid, Untrustworthy
from rollmodel.serving.digest import folder_digest
from rollmodel.serving.fetch.destination import Destination
from rollmodel.serving.fetch.download import retry
from rollmodel.serving.fetch.progress import Progress, watched
from rollmodel.serving.fetch.transfer import exit_code, transfer
from rollmodel.serving.sources import Source
from rollmodel.serving.sources.factory import SCHEMES, open_source, web_login
from rollmodel.serving.sources.http import redact_url
from rollmodel.serving.sources.local import LocalFiles, claim_folder
from rollmodel.serving.sources.s3 import S3Objects
from rollmodel.serving.sources.web import HttpArchive
from rollmodel.serving.termination import default_termination_log

__all__ = ["Report", "fetch_input", "hash_in_place", "main"]

MAX_URI_BYTES = 2600
"""Kubernetes keeps 4096 bytes of the report; an S3 version id takes up to 1024 of them, names and digest 200."""

logger = logging.getLogger("rollmodel.fetch")


@dataclass(frozen=True, slots=True)
class Report:
    """What was read. ``uri`` carries no credentials; ``version`` is None where the store gives none."""

    name: str
    uri: str
    version: str | None
    digest: str

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


def fetch_input(
    uri: str, version: str | None, digest: str | None, dest: Path, mounted: Path | None = None
) -> tuple[str | None, str]:
    """Fill ``dest`` with the files behind ``uri``; the version and the digest that they have.

    A claim is copied from where it is ``mounted``: the digest is that of the copy, which nobody else writes to. Raises
    Invalid (VersionMismatch, Unsupported), Untrustworthy (DigestMismatch), NotFound, Unavailable (TooSlow) and what
    :class:`rollmodel.serving.sources.Source` raises.
    """
    pinned, known = _versioned(uri, version)
    progress = Progress()
    source = watched(lambda: _open(pinned, version, mounted, progress), progress)
    destination = Destination(dest, digest)
    with destination.locked():
        if destination.is_complete() and digest:
            return _seen(source, known), digest
        work = destination.work_folder()
        digests = watched(lambda: transfer(source, work, pinned=digest is not None, progress=progress), progress)
        found = destination.publish(work, digests)
    return _seen(source, known), found


def _open(uri: str, version: str | None, mounted: Path | None, progress: Progress) -> Source | HttpArchive:
    if uri.startswith("pvc://"):
        return LocalFiles(claim_folder(uri, mounted), progress.work)
    return retry(lambda: open_source(uri, version=version, auth=web_login(uri)))


def _seen(source: Source | HttpArchive, known: str | None) -> str | None:
    """The version that was read: S3 tells that of a single object when it is listed."""
    if known or not isinstance(source, S3Objects):
        return known
    if source.version is None:
        retry(source.list)
    return source.version


def _versioned(uri: str, version: str | None) -> tuple[str, str | None]:
    """The address with its version in it, where that is how its store is asked, and the version as far as known."""
    scheme, path = urlsplit(uri).scheme, uri.partition(":")[2].strip("/")
    if scheme == "models" and not path.startswith("m-"):
        name, slash, own = path.partition("/")
        if slash and version not in {None, own}:
            raise Invalid(f"{uri} is not version {version}", reason="VersionMismatch")
        number = own or version
        return (f"models:/{name.partition('@')[0]}/{number}" if number else uri), number
    if version and scheme != "s3":
        raise Invalid(f"{scheme or 'file'}: knows no versions; pin the input with `digest`", reason="Unsupported")
    return uri, version


def hash_in_place(uri: str, version: str | None, digest: str | None, mounted: Path | None) -> str:
    """The digest of ``pvc://claim/path``, whose claim is mounted at ``mounted``; nothing is copied.

    Raises NotFound, Invalid (UnsafePath, Unsupported), Untrustworthy (DigestMismatch) and Unavailable (TooSlow).
    """
    if version:
        raise Invalid("pvc: knows no versions; pin the input with `digest`", reason="Unsupported")
    progress = Progress()
    found = watched(lambda: folder_digest(claim_folder(uri, mounted), counted=progress.work), progress)
    if digest not in {None, found}:
        raise Untrustworthy(f"expected {digest} got {found}", reason="DigestMismatch")
    return found


def _run(arguments: argparse.Namespace) -> None:
    uri, version, digest = arguments.uri, arguments.version, arguments.digest
    if len(json.dumps(redact_url(uri), ensure_ascii=False).encode()) > MAX_URI_BYTES:
        raise Invalid(f"the address has more than {MAX_URI_BYTES} bytes")
    if arguments.dest is not None:
        seen, found = fetch_input(uri, version, digest, arguments.dest, arguments.mounted)
    elif urlsplit(uri).scheme == "pvc":
        seen, found = None, hash_in_place(uri, version, digest, arguments.mounted)
    else:
        raise Invalid("--dest is missing")
    report = Report(arguments.name, redact_url(uri), seen, found)
    logger.info("input %s has version %s and digest %s", report.name, report.version, report.digest)
    arguments.termination_log.write_text(report.line(), encoding="utf-8")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rollmodel input", description="Fetch an input of a training and report it.")
    parser.add_argument("--name", required=True, help="name of the input")
    parser.add_argument("--uri", required=True, help=f"pvc://, {SCHEMES}")
    parser.add_argument("--version", help="version in its store, where that has versions: S3 and the model registry")
    parser.add_argument("--digest", help="sha256:<hex> over all files, as `rollmodel digest` prints it")
    parser.add_argument(
        "--dest", type=Path, help="folder to create; its parent must be writable. Without it a claim stays where it is"
    )
    parser.add_argument("--mounted", type=Path, help="where the claim of pvc:// is mounted")
    parser.add_argument("--termination-log", type=Path, default=default_termination_log())
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """``rollmodel input``: 0 and a report in the termination log when the input is there, else 1 and the reason."""
    arguments = _arguments(argv)
    return exit_code(lambda: _run(arguments), arguments.termination_log)
