"""MLflow's client in tests as the operator sets it up, and undone afterwards."""

from __future__ import annotations

import pytest
from rollmodel.settings import Settings, configure_libraries

__all__ = ["configure"]

_VARIABLES = (
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_ALLOW_HTTP_REDIRECTS",
    "MLFLOW_DISABLE_TELEMETRY",
    "DO_NOT_TRACK",
    "NETRC",
)


def configure(patch: pytest.MonkeyPatch, settings: Settings) -> None:
    """As ``main`` does; ``patch`` puts the environment back."""
    for name in _VARIABLES:
        patch.setenv(name, "")
    configure_libraries(settings)
