"""How tests are sorted, shortened and held to a budget: see tests/README.md."""

from __future__ import annotations

import gc
from collections.abc import Generator
from typing import Any

import pytest

from tests.support.running import effort
from tests.support.running.budget import Budget
from tests.support.running.rooms import is_bed, order


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option of ours."""
    parser.addoption("--thorough", action="store_true", help="as many examples, kills and rounds as `make test-all`")


def pytest_configure(config: pytest.Config) -> None:
    """Before tests are imported."""
    effort.configure(config)
    config.pluginmanager.register(Budget())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All that is imported here stays: the garbage collector looks at none of it, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, otherwise the order stays; tests of the test bed are marked by their folder."""
    items.sort(key=lambda item: order(item.nodeid))
    for item in items:
        if is_bed(item.nodeid):
            item.add_marker(pytest.mark.bed)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Used with ``-n`` only."""
    from tests.support.running.scheduler import RoomScheduling

    return RoomScheduling(config, log)
