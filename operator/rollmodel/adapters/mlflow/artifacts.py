"""A model's files behind MLflow's artifact proxy, and their digest.

Files are hashed as they stream by: never written, never opened as a model.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from requests import RequestException
from urllib3.exceptions import HTTPError

from rollmodel.adapters.mlflow.connection.client import host_of, stranger
from rollmodel.adapters.mlflow.connection.http import Requests
from rollmodel.api.artifacts import walk
from rollmodel.api.fields.digest import tree_digest
from rollmodel.errors import Forbidden, Invalid, NotFound, Unavailable

__all__ = ["DIGEST_TAG", "READING_SECONDS", "Artifacts", "Measured"]

_PROXY = "/api/2.0/mlflow-artifacts/artifacts"
_CHUNK = 2**20

#: How long reading one model may take, in seconds.
READING_SECONDS = 3600.0
#: How long listing its folders may take: no request begins later.
LISTING_SECONDS = 300.0

#: A version that carries this tag was digested by whoever published it; then nothing is read through.
DIGEST_TAG = "rollmodel.dev/artifact-digest"
_TAG_IT = f"set tag {DIGEST_TAG} on the version (`rollmodel digest PATH` prints it)"


@dataclass(frozen=True, slots=True)
class Measured:
    """``digest`` is over all files (:mod:`rollmodel.api.fields.digest`); ``size``: their sum in bytes, 0 if unknown."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Artifacts:
    """A folder behind the artifact proxy of a registry."""

    requests: Requests
    root: str

    @classmethod
    def at(cls, requests: Requests, uri: str) -> Artifacts:
        """The folder of an ``mlflow-artifacts:`` URI. Invalid for any other place: the operator has no access to it."""
        parts = urlsplit(uri)
        if parts.scheme != "mlflow-artifacts":
            raise Invalid(
                f"the files are at {parts.scheme or 'file'}:, not behind MLflow's artifact proxy, and cannot be read"
                f" by the operator: {_TAG_IT}, or start MLflow with --serve-artifacts",
                reason="DigestUnknown",
            )
        if parts.netloc and parts.netloc != host_of(requests.connection):
            raise Invalid(f"the files are at {parts.netloc}, not at the registry", reason="ForeignArtifacts")
        return cls(requests, parts.path.strip("/"))

    def measure(self, limit: int) -> Measured:
        """Read everything. Raises Invalid above ``limit`` bytes, before anything is read where the registry says so."""
        began = time.monotonic()
        deadline = began + READING_SECONDS
        listed = list(walk(lambda folder: self._entries(folder, began + LISTING_SECONDS), _file_name))
        if sum(size or 0 for _, size in listed) > limit:
            raise _too_large(limit)
        if not listed:
            raise NotFound("the version has no files", reason="NoArtifacts")
        files, total = {}, 0
        for path, _ in listed:
            files[path], read = self._hash(path, limit - total, deadline)
            total += read
            if total > limit:
                raise _too_large(limit)
        return Measured(tree_digest(files), total)

    def _entries(self, folder: str, until: float) -> list[Any]:
        if time.monotonic() > until:
            raise Unavailable("listing the model's files took too long")
        inside = "/".join(part for part in (self.root, folder) if part)
        answer = self.requests.ask("GET", _PROXY, params={"path": inside})
        _check(answer.status_code)
        try:
            entries = answer.json().get("files", [])
        except (ValueError, RecursionError, AttributeError) as error:
            raise stranger(self.requests.connection) from error
        return entries if isinstance(entries, list) else []

    def _hash(self, path: str, limit: int, deadline: float) -> tuple[str, int]:
        """Digest and size of a file; above ``limit`` bytes it is not read to its end."""
        digest, read = hashlib.sha256(), 0
        try:
            with self.requests.stream(f"{_PROXY}/{quote(f'{self.root}/{path}')}") as response:
                _check(response.status_code)
                for chunk in response.iter_content(_CHUNK):
                    digest.update(chunk)
                    read += len(chunk)
                    if read > limit:
                        break
                    if time.monotonic() > deadline:
                        raise Unavailable("reading the model's files took too long")
        except (RequestException, HTTPError, OSError) as error:
            raise Unavailable("MLflow's artifact proxy did not answer") from error
        return digest.hexdigest(), read


def _file_name(listed: str) -> str:
    """The last part of a listed path."""
    name = listed.rstrip("/").rpartition("/")[2]
    if name in ("", ".", ".."):
        raise Invalid("the registry lists a file with an impossible name")
    return name


def _too_large(limit: int) -> Invalid:
    return Invalid(
        f"the model is larger than the {limit} bytes that the operator reads: {_TAG_IT}", reason="TooLargeToDigest"
    )


def _check(status: int) -> None:
    """Raise unless the artifact proxy gave what was asked for."""
    match status:
        case 200:
            return
        case 401 | 403:
            raise Forbidden("MLflow's artifact proxy refused the login")
        case 404:
            raise NotFound("MLflow's artifact proxy does not have a file of the version", reason="NoArtifacts")
        case _:
            raise Unavailable(f"MLflow's artifact proxy answered HTTP {status}")
