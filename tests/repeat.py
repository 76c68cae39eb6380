"""Run tests again and again on a busy machine: ``python -m tests.repeat PATHS --times 20 --load 2``.

For new or changed cluster tests: one that fails once in twenty rounds fails somebody every day. All rounds share one
session, so a cluster is started once. The load is busy loops, which end with this process, or after ``--minutes``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

__all__ = ["main"]


class Rounds:
    """A plugin of pytest that runs each test so often."""

    def __init__(self, times: int) -> None:
        self._times = times

    @pytest.fixture(autouse=True)
    def _round(self, request: pytest.FixtureRequest) -> None:
        assert request.param in range(self._times)

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One more parameter, for its own sake."""
        rounds = [f"round{number + 1}" for number in range(self._times)]
        metafunc.parametrize("_round", range(self._times), indirect=True, ids=rounds)


def _burn(seconds: float, parent: int) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and os.getppid() == parent:
        for _ in range(100_000):
            pass


@contextmanager
def _busy(loops: int, seconds: float) -> Iterator[None]:
    arguments = (seconds, os.getpid())
    processes = [multiprocessing.Process(target=_burn, args=arguments, daemon=True) for _ in range(loops)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of pytest. Arguments that are not ours go to pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.repeat", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="rounds (default: %(default)s)")
    parser.add_argument("--load", type=int, default=2, help="busy loops (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=60.0, help="the load ends then (default: %(default)s)")
    ours, theirs = parser.parse_known_args(argv)
    with _busy(ours.load, 60 * ours.minutes):
        return int(pytest.main(["-p", "no:cacheprovider", "--durations=5", *theirs], plugins=[Rounds(ours.times)]))


if __name__ == "__main__":
    sys.exit(main())
