"""Runs of MLflow as a person may see them: with the login that MLflow's own client finds in the environment.

Models are downloaded and hashed, never loaded: unpickling one would run whatever it holds.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rollmodel.adapters.mlflow.connection.client import translated
from rollmodel.ports.registry import Connection

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Runs"]

_CHUNK = 2**20


class Runs:
    """The tracking server at this address. Methods raise errors of :mod:`rollmodel.errors`."""

    def __init__(self, url: str) -> None:
        # read when the client is imported; its own defaults wait for minutes
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        self._url, self._connection = url, Connection(url)

    def metrics(self, run_id: str) -> Mapping[str, float]:
        """The final values."""
        with translated(self._connection):
            return dict(self._client().get_run(run_id).data.metrics)

    def model_files(self, run_id: str, name: str | None) -> Mapping[str, str]:
        """SHA-256 of each file of the model that a run logged, by path; empty if there is none.

        name: of the logged model; None for the only one, or the newest of several.
        """
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415 - heavy

        with translated(self._connection), TemporaryDirectory() as folder:
            location = self._model(run_id, name)
            if location is None:
                return {}
            root = Path(download_artifacts(artifact_uri=location, dst_path=folder, tracking_uri=self._url))
            files = sorted(path for path in root.rglob("*") if path.is_file())
            return {str(path.relative_to(root)): _sha256(path) for path in files}

    def tag(self, run_id: str, key: str, value: str) -> None:
        """Set a tag on a run."""
        with translated(self._connection):
            self._client().set_tag(run_id, key, value)

    def _client(self) -> MlflowClient:
        from mlflow import MlflowClient  # noqa: PLC0415 - heavy

        return MlflowClient(tracking_uri=self._url, registry_uri=self._url)

    def _model(self, run_id: str, name: str | None) -> str | None:
        """Where the files are of the newest complete model that the run logged under this name."""
        client = self._client()
        experiment = client.get_run(run_id).info.experiment_id
        found = client.search_logged_models(
            [experiment],
            filter_string=f"source_run_id = '{run_id}'",
            order_by=[{"field_name": "creation_timestamp", "ascending": False}],
        )
        named = (model for model in found if model.status == "READY" and name in {None, model.name})
        return next((str(model.artifact_location) for model in named), None)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
