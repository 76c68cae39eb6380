"""What the libraries of others take from the environment only."""

from __future__ import annotations

import os

from rollmodel.settings.operator import Settings

__all__ = ["configure_libraries"]


def configure_libraries(settings: Settings) -> None:
    """Set what MLflow's client reads from the environment only. Call it once, before anything imports ``mlflow``.

    No redirects, because a redirect may lead anywhere; no retries, because passes are tried again by the controller; no
    ``.netrc``, because a login comes from a connection or not at all.
    """
    os.environ.update(
        {
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(int(settings.registry_timeout_seconds)),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "NETRC": os.devnull,
        }
    )
