"""Whether MLflow answers, and which version it is."""

from __future__ import annotations

import os

from rollmodel.adapters.mlflow.connection.http import Connector
from rollmodel.cli.doctor.check import Check, bad, fine, unknown, warn
from rollmodel.errors import RollmodelError
from rollmodel.ports.registry import Connection

__all__ = ["judged_version", "mlflow"]

_ADVICE = "is this the address that ROLLMODEL_REGISTRY_URL (or the connection's Secret) should have?"
_LOGIN = "MLFLOW_TRACKING_USERNAME and .._PASSWORD, or .._TOKEN; for the operator ROLLMODEL_REGISTRY_.."
_SECONDS = 10.0
_OLDEST = (3, 0)


def mlflow(url: str) -> Check:
    """Ask MLflow, with the login that its own client would use."""
    connection = Connection(
        url,
        username=os.environ.get("MLFLOW_TRACKING_USERNAME"),
        password=os.environ.get("MLFLOW_TRACKING_PASSWORD"),
        token=os.environ.get("MLFLOW_TRACKING_TOKEN"),
    )
    connector = Connector(_SECONDS)
    try:
        version = connector(connection).ask("GET", "/version")
        models = connector(connection).ask("GET", "/api/2.0/mlflow/registered-models/search", params={"max_results": 1})
    except RollmodelError as error:
        return unknown("MLflow", error, _ADVICE)
    finally:
        connector.close()
    return judged_version(version.status_code, version.text, models.status_code)


def judged_version(status: int, text: str, models: int) -> Check:
    """``text`` is what ``/version`` said, ``models`` the status of a question to the registry."""
    if {status, models} & {401, 403}:
        return bad("MLflow", f"refuses the login (HTTP {max(status, models)})", _LOGIN)
    parts = text.strip().split(".")
    if status != 200 or models != 200 or not all(part.isdigit() for part in parts[:2]) or len(parts) < 2:
        return bad("MLflow", f"no MLflow answers there (HTTP {status}, registry HTTP {models})", _ADVICE)
    if tuple(map(int, parts[:2])) < _OLDEST:
        return warn("MLflow", f"answers, version {text.strip()}", "Rollmodel is tested with MLflow 3")
    return fine("MLflow", f"answers, version {text.strip()}")
