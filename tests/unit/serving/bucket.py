"""An S3 bucket in memory: the three calls of a boto3 client that are used, and their refusals."""

import hashlib
from collections.abc import Iterator
from typing import Any


class RefusedError(Exception):
    """As botocore's ClientError: the code lies in ``response``."""

    def __init__(self, code: str) -> None:
        self.response = {"Error": {"Code": code}}


class Stream:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        yield self._content[:size]

    def close(self) -> None: ...


class Bucket:
    """Keys and their content. ``versions``: {key: {version id: content}}, newest last, of a bucket that keeps them."""

    def __init__(
        self,
        objects: dict[str, bytes] | None = None,
        *,
        versions: dict[str, dict[str, bytes]] | None = None,
        refuse: str | None = None,
    ) -> None:
        self.versions = versions or {key: {"null": content} for key, content in (objects or {}).items()}
        self.refuse = refuse

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803  boto3's names
        if self.refuse:
            raise RefusedError(self.refuse)
        for key, versions in self.versions.items():
            if key.startswith(Prefix):
                content = list(versions.values())[-1]
                yield {"Contents": [{"Key": key, "Size": len(content), "ETag": _etag(content)}]}
        yield {}

    def head_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:  # noqa: N803
        """As S3 does, HEAD names a status instead of a code; the version is told where versions are kept."""
        versions = self.versions.get(Key, {})
        version = VersionId or next(reversed(versions), "")
        if version not in versions:
            raise RefusedError("404")
        content = versions[version]
        told = {} if version == "null" else {"VersionId": version}
        return {"ContentLength": len(content), "ETag": _etag(content), **told}

    def get_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        IfMatch: str,  # noqa: N803
        VersionId: str | None = None,  # noqa: N803
        Range: str = "bytes=0-",  # noqa: N803
    ) -> dict[str, Any]:
        versions = self.versions[Key]
        content = versions[VersionId or next(reversed(versions))]
        if _etag(content) != IfMatch:
            raise RefusedError("PreconditionFailed")
        return {"Body": Stream(content[int(Range[6:-1]) :])}


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
