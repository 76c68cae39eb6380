"""The small fleet, once for all tests of the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rollmodel.cli.dashboard.live import Live
from rollmodel.cli.dashboard.memory import Memory

from tests.support.simulation.fleet import fleet

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def everything() -> tuple[Live, Memory]:
    """Nobody changes it."""
    return fleet(NOW)
