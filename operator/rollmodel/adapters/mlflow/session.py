"""The requests of one call to a tracking server."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rollmodel.adapters.mlflow.client import credentials, stranger
from rollmodel.errors import Invalid, Unavailable
from rollmodel.ports import Connection

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException
    from mlflow.store.model_registry.rest_store import RestStore as RegistryStore
    from mlflow.store.tracking.rest_store import RestStore as TrackingStore
    from mlflow.utils.rest_utils import MlflowHostCreds

__all__ = ["Session", "exists_already", "quoted"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}")


class Session:
    """Lives in one thread. No request begins after ``until`` (``time.monotonic``): then it raises Unavailable."""

    def __init__(self, connection: Connection, *, until: float) -> None:
        self.connection = connection
        self._until = until

    @property
    def runs(self) -> TrackingStore:
        """The client for experiments, runs and logged models."""
        from mlflow.store.tracking.rest_store import RestStore  # noqa: PLC0415 - heavy

        return RestStore(self._log_in)

    @property
    def models(self) -> RegistryStore:
        """The client for registered models and their versions."""
        from mlflow.store.model_registry.rest_store import RestStore  # noqa: PLC0415 - heavy

        return RestStore(self._log_in)

    def files(self, run_id: str, folder: str) -> frozenset[str]:
        """Paths of what is in a folder of the run's artifacts, itself listed by the server; empty if there is none."""
        from mlflow.protos.service_pb2 import ListArtifacts  # noqa: PLC0415 - heavy
        from mlflow.utils.rest_utils import call_endpoint  # noqa: PLC0415

        asked = {"run_id": run_id, **({"path": folder} if folder else {})}
        answer = ListArtifacts.Response()
        call_endpoint(self._log_in(), "/api/2.0/mlflow/artifacts/list", "GET", json.dumps(asked), answer)
        return frozenset(entry.path for entry in answer.files)

    def identifier(self, text: object) -> str:
        """An id that the server made. Invalid where it cannot be one."""
        if not _ID.fullmatch(str(text)):
            raise stranger(self.connection)
        return str(text)

    def _log_in(self) -> MlflowHostCreds:
        """Called by the client before each request."""
        if time.monotonic() > self._until:
            raise Unavailable(f"MLflow at {urlsplit(self.connection.url).netloc} is too slow")
        return credentials(self.connection)


def quoted(text: str) -> str:
    """A value in a search filter. Invalid with both kinds of quotes, which MLflow's filters cannot express."""
    for quote in ("'", '"'):
        if quote not in text:
            return f"{quote}{text}{quote}"
    raise Invalid(f"MLflow cannot search for {text[:100]}: it contains both kinds of quotes")


def exists_already(error: MlflowException) -> bool:
    """Whether somebody else was faster to create the same."""
    return bool(error.error_code == "RESOURCE_ALREADY_EXISTS")
