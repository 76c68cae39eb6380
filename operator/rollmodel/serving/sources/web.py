"""A file or a tar archive behind ``https://``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from requests.auth import AuthBase

from rollmodel.serving.sources import Body, RemoteFile, checked_path
from rollmodel.serving.sources.http import Client, body_of, redact_url

__all__ = ["HttpArchive", "HttpFile", "is_archive"]

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def is_archive(url: str) -> bool:
    """Whether the path of the URL has the suffix of a tar archive."""
    return urlsplit(url).path.endswith(ARCHIVE_SUFFIXES)


class HttpFile:
    """One file, kept under the last segment of its URL."""

    def __init__(self, url: str, auth: AuthBase | None = None) -> None:
        self._url = url
        self._client = Client(auth=auth)
        self._etag: str | None = None

    @property
    def resumable_unpinned(self) -> bool:
        """Where the server gives a strong entity tag: only such a one may stand for a range."""
        return self._etag is not None

    def list(self) -> Sequence[RemoteFile]:
        """The file, with its size where the server tells it."""
        name = checked_path(unquote(urlsplit(self._url).path.rpartition("/")[2]))
        with self._client.get(self._url, what=redact_url(self._url)) as answer:
            length, etag = answer.headers.get("Content-Length"), answer.headers.get("ETag", "")
        self._etag = etag if etag.startswith('"') else None
        return [RemoteFile(name, int(length) if length else None)]

    @contextmanager
    def open(self, path: str, offset: int) -> Iterator[Body]:  # noqa: ARG002  there is only one file
        """Stream the file from ``offset`` on, where the server honours ranges."""
        with self._client.get(self._url, what=redact_url(self._url), offset=offset, etag=self._etag) as answer:
            yield body_of(answer, offset)


class HttpArchive:
    """A tar archive, unpacked as it arrives: it is a stream, so it has no list and cannot be resumed."""

    def __init__(self, url: str, auth: AuthBase | None = None) -> None:
        self._url = url
        self._auth = auth

    @contextmanager
    def stream(self) -> Iterator[BinaryIO]:
        """The raw bytes of the archive as a file that can only be read forward."""
        with Client(auth=self._auth).get(self._url, what=redact_url(self._url)) as answer:
            yield cast("BinaryIO", answer.raw)
