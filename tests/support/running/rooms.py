"""Which tests run in one process, one after the other, because they share a cluster; and which test the test bed.

A room is what one worker of pytest-xdist takes as a whole. A cluster costs seconds to start and lives as long as its
worker, so all tests that need the same parts are one room; every other file is a room of its own.
"""

from __future__ import annotations

__all__ = ["BED", "is_bed", "needs_cluster", "order", "room_of"]

#: Tests of the local cluster itself, of its node and its gateway.
BED = ("tests/unit/localcluster/", "tests/cluster/localcluster/", "tests/cluster/node/", "tests/cluster/gateway/")

#: Folder -> room, longest first: what takes long and mostly waits begins first, and pure tests run beside it.
_ROOMS = {
    "tests/cluster/rollouts/": "stack",
    "tests/cluster/training/": "training",
    "tests/cluster/serving/": "serving",
    "tests/cluster/charts/": "charts",
    "tests/cluster/localcluster/": "localcluster",
    "tests/cluster/node/": "bed",
    "tests/cluster/gateway/": "bed",
    "tests/cluster/": "plane",
}
_SHARED = ("stack", "training", "plane", "localcluster", "bed")
_ORDER = (*_SHARED, "serving", "charts")


def room_of(nodeid: str) -> str:
    """The room of a test, by its node id."""
    path = nodeid.partition("::")[0]
    return next((room for folder, room in _ROOMS.items() if path.startswith(folder)), path)


def order(nodeid: str) -> int:
    """When a test's room begins: a smaller number is earlier."""
    room = room_of(nodeid)
    return _ORDER.index(room) if room in _ORDER else len(_ORDER)


def needs_cluster(nodeid: str) -> bool:
    """Whether this test's room shares the cluster of its worker: these rooms come first, one after the other."""
    return room_of(nodeid) in _SHARED


def is_bed(nodeid: str) -> bool:
    """Whether this tests the test bed."""
    return nodeid.startswith(BED)
