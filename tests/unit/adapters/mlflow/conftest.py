"""MLflow's client is there before a test asks it: on a busy machine its import takes longer than a pass would wait."""

from __future__ import annotations

import pytest
from rollmodel.adapters.mlflow.connection.loading import load


@pytest.fixture(scope="session", autouse=True)
def loaded() -> None:
    """Imported once."""
    load()
