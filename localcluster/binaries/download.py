"""The official download, verified by a sum that this repository holds (``tools/downloads.txt``).

What has none is not downloaded: a sum that lies beside the file, at the same host, says no more than the host does. Who
trusts the hosts says so (``LOCALCLUSTER_DOWNLOAD=1``), and the published sum finds broken files only. Without a network
it gives up within seconds.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import socket
import tarfile
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from localcluster.binaries.catalog import Binary, Release

__all__ = ["TRUST_HOSTS", "DownloadError", "Downloader", "UnpinnedError", "pinned_sums", "published_sum"]

#: Set to 1, files without a sum in this repository are downloaded, too, and checked by the sum of their own host.
TRUST_HOSTS = "LOCALCLUSTER_DOWNLOAD"

_PINNED = Path(__file__).parents[1] / "tools" / "downloads.txt"
#: By the length of a sum in hex digits.
_ALGORITHMS = {64: "sha256", 128: "sha512"}


class DownloadError(Exception):
    """The file could not be had, or is not the one that its maker published."""


class UnpinnedError(DownloadError):
    """This repository has no sum of the file."""

    def __init__(self, url: str) -> None:
        super().__init__(f"download: tools/downloads.txt has no sum of {url} ({TRUST_HOSTS}=1 trusts its host)")


class Downloader:
    """Downloads release files. A host that could not be reached is not asked again by the same downloader."""

    def __init__(
        self,
        *,
        connect_seconds: float = 3.0,
        say: Callable[[str], None] = print,
        sums: Mapping[str, str] | None = None,
    ) -> None:
        """``sums``: by address, in hex; None: those of this repository."""
        self._connect_seconds = connect_seconds
        self._say = say
        self._sums = pinned_sums() if sums is None else sums
        self._unreachable: dict[str, str] = {}
        self._archives: dict[str, IO[bytes]] = {}

    def fetch(self, binary: Binary, target: Path) -> None:
        """Write the verified binary to ``target``. Raises :class:`DownloadError`.

        An archive with several binaries is downloaded once by the same downloader.
        """
        release = binary.release
        if release is None:
            raise DownloadError("download: its maker publishes no sums to verify it by")
        if release.url not in self._archives:
            expected = self._expected(release)
            self._say(f"downloading {release.url}")
            if release.member is None:
                self.file(release.url, target, expected)
                return
            self._archives[release.url] = self._archive(release.url, expected, target.parent)
        _unpack(self._archives[release.url], release.url.rsplit("/", 1)[-1], release.member or "", target)

    def _expected(self, release: Release) -> str:
        if release.url in self._sums:
            return self._sums[release.url]
        if os.environ.get(TRUST_HOSTS) != "1":
            raise UnpinnedError(release.url)
        return published_sum(self.text(release.checksums), release.url.rsplit("/", 1)[-1])

    def _archive(self, url: str, expected: str, folder: Path) -> IO[bytes]:
        """The archive, in a file without a name: it is gone with this process, however that ends."""
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            path = Path(temporary, "archive")
            self.file(url, path, expected)
            content = path.open("rb")
        weakref.finalize(self, content.close)
        return content

    def text(self, url: str) -> str:
        """Return a small text file."""
        with self._open(url) as answer:
            return answer.read(1 << 20).decode(errors="replace")

    def file(self, url: str, target: Path, expected: str) -> None:
        """Write the file at ``url`` to ``target``. Raises :class:`DownloadError` if its sum is another one."""
        with self._open(url) as answer, target.open("wb") as out:
            try:
                shutil.copyfileobj(answer, out, 1 << 20)
            except (OSError, http.client.HTTPException) as error:
                raise DownloadError(f"download: {url} broke off ({error})") from error
        algorithm = _ALGORITHMS[len(expected)]
        with target.open("rb") as content:
            actual = hashlib.file_digest(content, algorithm).hexdigest()
        if actual != expected:
            raise DownloadError(f"download: {url} has the {algorithm} {actual}, and not {expected}")

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


def pinned_sums(path: Path = _PINNED) -> dict[str, str]:
    """The sums that this repository holds, by address."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {words[1]: words[0] for words in lines if words}


def published_sum(text: str, file_name: str) -> str:
    """Find a file's sum in a list of ``<sum>  <name>`` lines, or take the only word of the list."""
    found = [words[0] for words in map(str.split, text.splitlines()) if _names(words, file_name)] or text.split()
    if len(found) == 1 and len(found[0]) in _ALGORITHMS and not set(found[0].lower()) - set("0123456789abcdef"):
        return found[0].lower()
    raise DownloadError(f"download: no published sum for {file_name}")


def _names(words: list[str], file_name: str) -> bool:
    return len(words) == 2 and words[1].lstrip("*").removeprefix("./") == file_name


def _unpack(archive: IO[bytes], name: str, member: str, target: Path) -> None:
    archive.seek(0)
    try:
        with (
            tarfile.open(fileobj=archive) as tar,
            _member(tar, member) as content,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(content, out)
    except (tarfile.TarError, KeyError) as error:
        raise DownloadError(f"download: no {member} in {name}") from error


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    content = tar.extractfile(name)
    if content is None:
        raise KeyError(name)
    return content
