"""The small fleet, once for all tests of the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rollmodel.cli.dashboard.judge_history import JudgeHistory
from rollmodel.cli.dashboard.live import Live

from tests.support.simulation.fleet import fleet

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def everything() -> tuple[Live, JudgeHistory]:
    """Nobody changes it."""
    return fleet(NOW)
