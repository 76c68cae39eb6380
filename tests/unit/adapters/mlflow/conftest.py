"""MLflow's client: there before a test asks it, for its import may take longer than a pass would wait; and set up."""

from __future__ import annotations

import pytest
from rollmodel.adapters.mlflow.connection.loading import load
from rollmodel.settings import Settings

from tests.support.live.mlflow_client import configure


@pytest.fixture(scope="session", autouse=True)
def loaded() -> None:
    """Imported once."""
    load()


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the operator does it, with a short patience."""
    configure(monkeypatch, Settings(registry_timeout_seconds=5))
