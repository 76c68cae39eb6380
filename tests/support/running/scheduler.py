"""pytest-xdist by rooms: ``pytest -n 3`` gives each worker whole rooms, in the order in which they were collected."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.running.rooms import room_of

__all__ = ["RoomScheduling"]


class RoomScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """A worker takes the next room when it has nearly done the one before."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False  # it would put the largest number of tests first, not the longest
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return room_of(nodeid)
