"""Objects in S3 or anything that speaks its protocol. Needs boto3, which only some images have.

boto3 finds credentials, region and endpoint by itself (``AWS_*``, web identity, instance role);
``MLFLOW_S3_ENDPOINT_URL`` is honoured as MLflow does.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError, Terminal, Unavailable
from rollmodel.serving.sources import CHUNK_BYTES, Body, RemoteFile, checked_path

__all__ = ["S3Objects", "s3_client"]

NOT_FOUND = {"404", "NoSuchKey", "NoSuchBucket"}
NO_SUCH_VERSION = NOT_FOUND | {"NoSuchVersion", "400", "InvalidArgument", "405", "MethodNotAllowed"}
"""What S3 says of a version that is not there, of a text that is no version id, and of a delete marker."""

NO_VERSION = "null"
"""The version id of an object of a bucket that keeps no versions."""

FORBIDDEN = {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}


def s3_client() -> Any:
    """A boto3 client for S3. Raises Invalid where boto3 is not installed."""
    try:
        boto3 = importlib.import_module("boto3")
    except ImportError as error:
        raise Invalid(
            "s3:// needs boto3, which this image does not have; add it, or let MLflow serve artifacts by proxy",
            reason="Unsupported",
        ) from error
    return boto3.client("s3", endpoint_url=os.environ.get("MLFLOW_S3_ENDPOINT_URL"))


class S3Objects:
    """The objects below a key prefix of one bucket, or the one object with exactly that key.

    ``version`` asks for a version id of that one object; after :meth:`list` it is the id that is read, None where
    the bucket keeps no versions, and for a prefix. What is opened is what was listed: each request names its entity
    tag.
    """

    resumable_unpinned = True

    def __init__(self, client: Any, bucket: str, prefix: str, version: str | None = None) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._keys: dict[str, str] = {}
        self._conditions: dict[str, dict[str, str]] = {}
        self.version = version

    def list(self) -> Sequence[RemoteFile]:
        """All objects of the prefix; keys that end in a slash are the consoles' stand-ins for folders."""
        if self.version:
            return self._single()
        objects = self._objects()
        self._keys = {checked_path(self._relative(key)): key for key in objects if self._belongs(key)}
        if not self._keys:
            raise NotFound(f"no objects at s3://{self._bucket}/{self._prefix}")
        if list(self._keys.values()) == [self._prefix]:
            return self._single()
        self._conditions = {key: {"IfMatch": objects[key]["ETag"]} for key in self._keys.values()}
        return [RemoteFile(path, objects[key]["Size"]) for path, key in self._keys.items()]

    def _single(self) -> Sequence[RemoteFile]:
        """The one object, in the version that was asked for, or that is the current one."""
        wanted = {"VersionId": self.version} if self.version else {}
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=self._prefix, **wanted)
        except Exception as error:
            raise self._meaning(error) from error
        if (version := head.get("VersionId", NO_VERSION)) != NO_VERSION:
            self.version = version
        pin = {"VersionId": self.version} if self.version else {}
        self._conditions = {self._prefix: {"IfMatch": head["ETag"], **pin}}
        path = checked_path(self._relative(self._prefix))
        self._keys = {path: self._prefix}
        return [RemoteFile(path, head["ContentLength"])]

    def _objects(self) -> dict[str, Any]:
        """Key -> entry of the listing."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            objects = [item for page in pages for item in page.get("Contents", ())]
        except Exception as error:
            raise self._meaning(error) from error
        return {item["Key"]: item for item in objects if not item["Key"].endswith("/")}

    def _belongs(self, key: str) -> bool:
        """A prefix of S3 is mere text: ``model`` also finds ``model-2/x``."""
        return not self._prefix or key == self._prefix or key.startswith(self._prefix + "/")

    def _relative(self, key: str) -> str:
        if key == self._prefix:
            return key.rpartition("/")[2]
        return key.removeprefix(self._prefix + "/") if self._prefix else key

    @contextmanager
    def open(self, path: str, offset: int) -> Iterator[Body]:
        """Stream one listed object from ``offset`` on."""
        resume = {"Range": f"bytes={offset}-"} if offset else {}
        key = self._keys[path]
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key, **self._conditions[key], **resume)["Body"]
        except Exception as error:
            raise self._meaning(error) from error
        try:
            yield Body(offset, self._chunks(body))
        finally:
            body.close()

    def _chunks(self, body: Any) -> Iterator[bytes]:
        try:
            yield from body.iter_chunks(CHUNK_BYTES)
        except Exception as error:
            raise self._meaning(error) from error

    def _meaning(self, error: Exception) -> RollmodelError:
        """To botocore, a refusal is a ClientError with a code, a broken wire a class of its own."""
        code = str(getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__))
        where = f"s3://{self._bucket}/{self._prefix}"
        if self.version and code in NO_SUCH_VERSION:
            return NotFound(
                f"{where} has no version {self.version}, as a single object ({code})", reason="NoSuchVersion"
            )
        if code in NOT_FOUND:
            return NotFound(f"{where} does not exist ({code})")
        if code in FORBIDDEN:
            return Forbidden(f"no permission to read {where} ({code})", reason="Unauthorized")
        if code in {"412", "PreconditionFailed"}:
            return Terminal(f"{where} was written to while it was read", reason="ChangedWhileRead")
        return Unavailable(f"{where} cannot be read ({code})", reason="Unreachable")
