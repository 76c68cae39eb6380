"""The tracking server in memory keeps the promises that the real one keeps."""

from __future__ import annotations

import pytest
from rollmodel.errors import RollmodelError, Unavailable
from rollmodel.plan.decision import CreateRun
from rollmodel.ports.registry import Connection

from tests.support.contracts.tracking import TrackingCode, TrackingContract, owner
from tests.support.inmemory.tracking import InMemoryTracking

__all__ = ["owner"]

HERE = Connection("http://mlflow")


class Code(InMemoryTracking):
    """The server is its own client."""

    connection = HERE


@pytest.fixture
def tracking() -> Code:
    return Code()


@pytest.fixture
def code(tracking: Code) -> TrackingCode:
    return tracking


class TestInMemoryTracking(TrackingContract):
    """The same promises."""


async def test_an_answer_can_be_lost_after_the_run_was_made(tracking: Code) -> None:
    def lose(method: str) -> None:
        raise Unavailable(f"the answer to {method} was lost")

    tracking.aftermath = lose
    with pytest.raises(Unavailable):
        await tracking.create_run(HERE, CreateRun("team", "run", {}))
    assert len(tracking.runs) == 1


async def test_a_server_that_is_down_does_nothing(tracking: Code) -> None:
    tracking.down = Unavailable("MLflow did not answer")
    with pytest.raises(RollmodelError):
        await tracking.create_run(HERE, CreateRun("team", "run", {}))
    assert not tracking.runs
