"""As much of S3 over HTTP as boto3 needs here: put, get from an offset on, a listing in pages, and refusals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.support.servers.threaded import in_thread

__all__ = ["S3Server", "serving"]

#: Objects of one page of a listing; S3's are 1,000.
_PAGE = 3


@dataclass
class S3Server:
    """Objects by ``bucket/key``; a bucket is there once it is in ``buckets``. ``refuse``: a code for each request."""

    url: str = ""
    buckets: set[str] = field(default_factory=set)
    objects: dict[str, bytes] = field(default_factory=dict)
    refuse: str = ""

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys of a bucket that begin so, in S3's order."""
        names = (name.partition("/") for name in self.objects)
        return sorted(key for owner, _, key in names if owner == bucket and key.startswith(prefix))


@contextmanager
def serving() -> Iterator[S3Server]:
    """A server that runs while the block does."""
    state = S3Server()

    class Handler(_Handler):
        store = state

    with in_thread(Handler) as state.url:
        yield state


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: S3Server

    def log_message(self, *_: Any) -> None: ...

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_refused():
            return
        self.store.objects[self._name] = self._unwrapped(body)
        self._answer(200, ETag=_etag(self.store.objects[self._name]))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self._is_refused():
            return
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._list(self._name.strip("/"), query)
            return
        content = self.store.objects.get(self._name)
        if content is None:
            self._refuse(404, "NoSuchKey")
        elif self.headers.get("If-Match", _etag(content)) != _etag(content):
            self._refuse(412, "PreconditionFailed")
        else:
            offset = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            more = {"Content-Range": f"bytes {offset}-{len(content) - 1}/{len(content)}"} if offset else {}
            self._answer(206 if offset else 200, content[offset:], ETag=_etag(content), **more)

    def _list(self, bucket: str, query: dict[str, list[str]]) -> None:
        begin = int(query.get("continuation-token", ["0"])[0])
        keys = self.store.keys(bucket, query.get("prefix", [""])[0])
        page, more = keys[begin : begin + _PAGE], begin + _PAGE < len(keys)
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><ETag>{escape(_etag(content))}</ETag><Size>{len(content)}</Size></Contents>"
            for key in page
            for content in [self.store.objects[f"{bucket}/{key}"]]
        )
        following = f"<NextContinuationToken>{begin + _PAGE}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        self._answer(200, f"<ListBucketResult>{truncated}{following}{entries}</ListBucketResult>".encode())

    @property
    def _name(self) -> str:
        """``bucket/key``."""
        return unquote(urlsplit(self.path).path).removeprefix("/")

    def _is_refused(self) -> bool:
        """Whether it has been refused, and why: told to, without a login, or without the bucket."""
        if self.store.refuse:
            self._refuse(403, self.store.refuse)
        elif not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            self._refuse(403, "AccessDenied")
        elif self._name.partition("/")[0] not in self.store.buckets:
            self._refuse(404, "NoSuchBucket")
        else:
            return False
        return True

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def _unwrapped(self, body: bytes) -> bytes:
        """The content without the frames of ``aws-chunked``, which a newer client may put around it."""
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return body
        content = b""
        while body:
            head, _, body = body.partition(b"\r\n")
            size = int(head.partition(b";")[0], 16)
            if not size:
                break
            content, body = content + body[:size], body[size + 2 :]
        return content

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
