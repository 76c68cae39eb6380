"""From an address to the source that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from requests.auth import AuthBase

from rollmodel.api.fields.schemes import FETCHED
from rollmodel.errors import Invalid
from rollmodel.serving.sources import Source
from rollmodel.serving.sources.http import login
from rollmodel.serving.sources.local import LocalFiles
from rollmodel.serving.sources.registry import MlflowArtifacts, MlflowServer
from rollmodel.serving.sources.s3 import S3Objects, s3_client
from rollmodel.serving.sources.web import HttpArchive, HttpFile, is_archive

__all__ = ["SCHEMES", "open_source", "web_login"]

#: Claims are not among them: they are read where they are mounted.
SCHEMES = f"{', '.join(scheme for scheme in FETCHED if scheme != 'pvc://')}, file:// and plain paths"


def open_source(uri: str, *, version: str | None = None, auth: AuthBase | None = None) -> Source | HttpArchive:
    """The store that a URI names.

    ``version`` is the version id of a single S3 object. ``auth`` logs in to the host of an ``https://`` URI; where
    the registry says that its files lie at such an address, it is not sent there. Raises Invalid for a scheme that
    we do not read, and what the registry answers.
    """
    scheme = urlsplit(uri).scheme
    if scheme in {"models", "runs", "mlflow-artifacts"}:
        return _registered(uri)
    if scheme in {"http", "https"}:
        return HttpArchive(uri, auth) if is_archive(uri) else HttpFile(uri, auth)
    if scheme == "s3":
        return _in_bucket(uri, version)
    if scheme in {"", "file"}:
        return LocalFiles(Path(unquote(urlsplit(uri).path) if scheme else uri))
    raise Invalid(f"{scheme}: is not supported; supported are {SCHEMES}", reason="Unsupported")


def web_login(uri: str, env: Mapping[str, str] = os.environ) -> AuthBase | None:
    """How to log in at an ``https://`` address: ``HTTPS_USERNAME`` and ``HTTPS_PASSWORD``, or ``HTTPS_TOKEN``.

    Never over plain HTTP.
    """
    return login(env, "HTTPS") if urlsplit(uri).scheme == "https" else None


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


def _in_bucket(uri: str, version: str | None) -> Source:
    parts = urlsplit(uri)
    return S3Objects(s3_client(), parts.netloc, parts.path, version)
