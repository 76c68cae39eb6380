"""The official download, verified by the SHA-256 sum that the maker publishes.

Without a network it gives up within seconds. The sum comes from the same host over TLS: it guards against a broken
or truncated file; trust in the file is trust in that host (``LOCALCLUSTER_BUILD`` does without, see ``search``).
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import socket
import tarfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from localcluster.binaries.catalog import Binary

__all__ = ["DownloadError", "Downloader", "published_sum"]


class DownloadError(Exception):
    """The file could not be had, or is not the one that its maker published."""


class Downloader:
    """Downloads release files. A host that could not be reached is not asked again by the same downloader."""

    def __init__(self, *, connect_seconds: float = 3.0, say: Callable[[str], None] = print) -> None:
        self._connect_seconds = connect_seconds
        self._say = say
        self._unreachable: dict[str, str] = {}

    def fetch(self, binary: Binary, target: Path) -> None:
        """Write the verified binary to ``target``. Raises :class:`DownloadError`."""
        release = binary.release
        if release is None:
            raise DownloadError("download: its maker publishes no sums to verify it by")
        file_name = release.url.rsplit("/", 1)[-1]
        expected = published_sum(self.text(release.checksums), file_name)
        self._say(f"downloading {release.url}")
        if release.member is None:
            self.file(release.url, target, expected)
            return
        archive = target.with_name(f"{target.name}.archive")
        try:
            self.file(release.url, archive, expected)
            _unpack(archive, release.member, target)
        finally:
            archive.unlink(missing_ok=True)

    def text(self, url: str) -> str:
        """Return a small text file."""
        with self._open(url) as answer:
            return answer.read(1 << 20).decode(errors="replace")

    def file(self, url: str, target: Path, sha256: str) -> None:
        """Write the file at ``url`` to ``target``. Raises :class:`DownloadError` if its sum is not ``sha256``."""
        with self._open(url) as answer, target.open("wb") as out:
            try:
                shutil.copyfileobj(answer, out, 1 << 20)
            except (OSError, http.client.HTTPException) as error:
                raise DownloadError(f"download: {url} broke off ({error})") from error
        with target.open("rb") as content:
            actual = hashlib.file_digest(content, "sha256").hexdigest()
        if actual != sha256:
            raise DownloadError(f"download: {url} has SHA-256 {actual}, published is {sha256}")

    def _open(self, url: str) -> IO[bytes]:
        host = urllib.parse.urlsplit(url).hostname or ""
        if host in self._unreachable:
            raise DownloadError(self._unreachable[host])
        try:
            self._resolve(url, host)
            return urllib.request.urlopen(url, timeout=self._connect_seconds)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            error.close()
            raise DownloadError(f"download: {url} answers {error.code}") from error
        except OSError as error:
            reason = getattr(error, "reason", error)
            self._unreachable[host] = f"download: {host} cannot be reached ({reason})"
            raise DownloadError(self._unreachable[host]) from error

    def _resolve(self, url: str, host: str) -> None:
        """Look the host up with a time limit, which neither the resolver nor urllib offers."""
        if urllib.parse.urlsplit(url).scheme in urllib.request.getproxies():
            return  # the proxy looks it up
        done: list[OSError | None] = []

        def look_up() -> None:
            try:
                socket.getaddrinfo(host, None)
                done.append(None)
            except OSError as error:
                done.append(error)

        worker = threading.Thread(target=look_up, daemon=True)
        worker.start()
        worker.join(self._connect_seconds)
        if not done:
            raise TimeoutError(f"no answer from the resolver in {self._connect_seconds:g} s")
        if done[0]:
            raise done[0]


def published_sum(text: str, file_name: str) -> str:
    """Find a file's sum in a list of ``<sum>  <name>`` lines, or take the only word of the list."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*").removeprefix("./") == file_name:
            return words[0].lower()
    if len(text.split()) == 1:
        return text.strip().lower()
    raise DownloadError(f"download: no published sum for {file_name}")


def _unpack(archive: Path, member: str, target: Path) -> None:
    try:
        with tarfile.open(archive) as tar, _member(tar, member) as content, target.open("wb") as out:
            shutil.copyfileobj(content, out)
    except (tarfile.TarError, KeyError) as error:
        raise DownloadError(f"download: no {member} in {archive.name}") from error


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    content = tar.extractfile(name)
    if content is None:
        raise KeyError(name)
    return content
