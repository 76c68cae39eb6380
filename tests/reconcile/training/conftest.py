"""A TrainingJob whose neighbours are all in memory."""

from __future__ import annotations

import pytest

from tests.support.inmemory.training import TrainingBench


@pytest.fixture
def bench() -> TrainingBench:
    return TrainingBench()
