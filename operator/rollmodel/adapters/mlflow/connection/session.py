"""The requests of one call to a tracking server."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from rollmodel.adapters.mlflow.connection.client import stranger
from rollmodel.adapters.mlflow.connection.http import Requests
from rollmodel.errors import Invalid

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException

    from rollmodel.adapters.mlflow.connection.stores import RegistryStore, TrackingStore

__all__ = ["Session", "exists_already", "quoted"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}")


class Session:
    """Lives in one thread."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    @property
    def runs(self) -> TrackingStore:
        """The client for experiments, runs and logged models."""
        from rollmodel.adapters.mlflow.connection.stores import TrackingStore  # noqa: PLC0415 - heavy

        return TrackingStore(self._requests)

    @property
    def models(self) -> RegistryStore:
        """The client for registered models and their versions."""
        from rollmodel.adapters.mlflow.connection.stores import RegistryStore  # noqa: PLC0415 - heavy

        return RegistryStore(self._requests)

    def files(self, run_id: str, folder: str) -> frozenset[str]:
        """Paths of what is in a folder of the run's artifacts, itself listed by the server; empty if there is none."""
        from mlflow.protos.service_pb2 import ListArtifacts  # noqa: PLC0415 - heavy

        from rollmodel.adapters.mlflow.connection.stores import call  # noqa: PLC0415

        asked = {"run_id": run_id, **({"path": folder} if folder else {})}
        answer = ListArtifacts.Response()
        call(self._requests, "GET", "/api/2.0/mlflow/artifacts/list", json.dumps(asked), answer)
        return frozenset(entry.path for entry in answer.files)

    def identifier(self, text: object) -> str:
        """An id that the server made. Invalid where it cannot be one."""
        if not _ID.fullmatch(str(text)):
            raise stranger(self._requests.connection)
        return str(text)


def quoted(text: str) -> str:
    """A value in a search filter. Invalid with both kinds of quotes, which MLflow's filters cannot express."""
    for quote in ("'", '"'):
        if quote not in text:
            return f"{quote}{text}{quote}"
    raise Invalid(f"MLflow cannot search for {text[:100]}: it contains both kinds of quotes")


def exists_already(error: MlflowException) -> bool:
    """Whether somebody else was faster to create the same."""
    return bool(error.error_code == "RESOURCE_ALREADY_EXISTS")
