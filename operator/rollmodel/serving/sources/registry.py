"""Models in an MLflow server: ``models:/``, ``runs:/`` and ``mlflow-artifacts:/``, read through its artifact proxy.

Spoken over MLflow's REST interface, not its client: importing that costs every pod seconds and 80 MB before the
first byte. ``MLFLOW_TRACKING_*`` mean what they mean to the client, which is imported for its log-in plug-ins alone.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from requests.auth import AuthBase

from rollmodel.api.artifacts import walk
from rollmodel.errors import Invalid, NotFound
from rollmodel.serving.sources import Body, RemoteFile, checked_path
from rollmodel.serving.sources.http import Client, body_of, login

__all__ = ["MlflowArtifacts", "MlflowServer"]


def _auth(env: Mapping[str, str]) -> AuthBase | None:
    """How to log in, in MLflow's own order of precedence."""
    if env.get("MLFLOW_TRACKING_AWS_SIGV4", "").lower() in {"1", "true"}:
        raise Invalid("MLFLOW_TRACKING_AWS_SIGV4 is not supported here", reason="Unsupported")
    if name := env.get("MLFLOW_TRACKING_AUTH"):
        from mlflow.tracking.request_auth.registry import fetch_auth  # noqa: PLC0415

        plugin: AuthBase = fetch_auth(name)
        return plugin
    return login(env, "MLFLOW_TRACKING")


#: So often a version may be a copy of another one, and so many models of a run are looked at.
_HOPS, _OUTPUTS = 5, 100


class MlflowServer:
    """The tracking server of the environment: ``MLFLOW_TRACKING_URI`` and the variables to log in there."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self.url = env.get("MLFLOW_TRACKING_URI", "").rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise Invalid("MLFLOW_TRACKING_URI must be the http(s) address of the MLflow server")
        workspace = env.get("MLFLOW_WORKSPACE", "").strip()
        trusting = env.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in {"1", "true"}
        self.client = Client(
            auth=_auth(env),
            verify=not trusting and (env.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True),
            certificate=env.get("MLFLOW_TRACKING_CLIENT_CERT_PATH"),
            ca=env.get("ROLLMODEL_MLFLOW_CA"),
            headers={"X-MLFLOW-WORKSPACE": workspace} if workspace else {},
        )

    def artifact_uri(self, uri: str) -> str:
        """Where the files of a ``models:/``, ``runs:/`` or ``mlflow-artifacts:/`` URI are stored.

        An alias is refused: it may name another version tomorrow, and a pod that restarts must load what it loaded
        before. Raises NotFound, Forbidden, Unavailable and Invalid.
        """
        return self._resolved(uri, _HOPS)

    def _resolved(self, uri: str, hops: int) -> str:
        scheme, _, path = uri.partition(":")
        head, _, rest = path.strip("/").partition("/")  # as it stands: MLflow's names may have '#' and '?'
        if scheme == "mlflow-artifacts":
            parts = urlsplit(uri)
            if parts.netloc and parts.netloc != urlsplit(self.url).netloc.rpartition("@")[2]:
                raise Invalid(f"{parts.netloc} is not the MLflow server of this connection; credentials stay at home")
            return uri
        if scheme == "runs":
            return self._of_run(head, rest)
        if head.startswith("m-") and not rest.isdecimal():
            return posixpath.join(self._logged_model(head)[1], rest).rstrip("/")
        if not rest.isdecimal():
            raise Invalid(f"{uri}: give models:/NAME/VERSION or models:/m-ID; an alias is not pinned")
        return self._of_version(head, rest, hops)

    def _of_version(self, name: str, version: str, hops: int) -> str:
        what = f"version {version} of model {name}"
        found = self._api("model-versions/get-download-uri", what, name=name, version=version)
        uri = _text(found, "artifact_uri", what=what)
        if not uri.startswith("models:"):
            return uri
        if hops == 0:
            raise Invalid(f"{what} is a copy of a copy, more than {_HOPS} times")
        return self._resolved(uri, hops - 1)

    def _of_run(self, run_id: str, path: str) -> str:
        """Since MLflow 3 a run's model is no artifact of the run but an output of it, found by its name."""
        what = f"run {run_id}"
        found = self._api("runs/get", what, run_id=run_id)
        name, _, rest = path.partition("/")
        outputs = _part(found, "run", "outputs", "model_outputs")
        for output in outputs[:_OUTPUTS] if isinstance(outputs, list) else ():
            called, uri = self._logged_model(_text(output, "model_id", what=what))
            if called == name:
                return posixpath.join(uri, rest).rstrip("/")
        return posixpath.join(_text(found, "run", "info", "artifact_uri", what=what), path)

    def _logged_model(self, model_id: str) -> tuple[object, str]:
        """Its name, and where its files are."""
        what = f"logged model {model_id}"
        found = self._api(f"logged-models/{quote(model_id, safe='')}", what)
        return _part(found, "model", "info", "name"), _text(found, "model", "info", "artifact_uri", what=what)

    def _api(self, endpoint: str, what: str, **params: str) -> dict[str, Any]:
        return self.client.json(f"{self.url}/api/2.0/mlflow/{endpoint}", what=what, params=params)


def _part(found: object, *path: str) -> object:
    """What stands there in an answer; None where nothing does."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(found: object, *path: str, what: str) -> str:
    """The text that must stand there. Raises Invalid."""
    text = _part(found, *path)
    if not isinstance(text, str):
        raise Invalid(f"the answer for {what} is not MLflow's: it has no `{path[-1]}`")
    return text


class MlflowArtifacts:
    """A folder behind the server's artifact proxy: ``root`` of ``mlflow-artifacts:/<root>``."""

    resumable_unpinned = False

    def __init__(self, server: MlflowServer, root: str) -> None:
        self._client = server.client
        self._url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts"
        self._root = root.strip("/")

    def list(self) -> Sequence[RemoteFile]:
        """All files below the folder. The proxy answers an unknown folder with an empty list: that is NotFound."""
        files = [RemoteFile(path, size) for path, size in walk(self._entries, checked_path)]
        if not files:
            raise NotFound(f"the MLflow server holds no files at {self._root}")
        return files

    def _entries(self, folder: str) -> Sequence[Mapping[str, Any]]:
        where = posixpath.join(self._root, folder).rstrip("/")
        found = self._client.json(self._url, what=f"the list of {where}", params={"path": where})
        entries: Sequence[Mapping[str, Any]] = found.get("files", [])
        return entries

    @contextmanager
    def open(self, path: str, offset: int) -> Iterator[Body]:
        """Stream one file from ``offset`` on, where the server honours ranges."""
        where = posixpath.join(self._root, path)
        with self._client.get(f"{self._url}/{quote(where)}", what=where, offset=offset) as answer:
            yield body_of(answer, offset)
