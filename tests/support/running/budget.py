"""What a test may cost. A suite gets slow one test at a time, so each has a budget, unless it is marked ``slow``."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import pytest

__all__ = ["CPU_SECONDS", "WALL_SECONDS", "Budget"]

#: CPU time of a test without a cluster, in our own process: it does not depend on what else the machine does.
CPU_SECONDS = 20.0
#: Time of a cluster test, which waits more than it works. It depends on the machine, so it is shown, and fails nothing.
WALL_SECONDS = 60.0


class Budget:
    """A plugin of pytest. Fails a test without a cluster that is over its budget, and lists those with one."""

    def __init__(self, cpu: Callable[[], float] = time.process_time) -> None:
        self._cpu = cpu

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """One test."""
        began = self._cpu()
        result = yield
        used = self._cpu() - began
        free = item.get_closest_marker("slow") or item.get_closest_marker("cluster")
        if used > CPU_SECONDS and not free:
            pytest.fail(f"{used:.0f} s of CPU, {CPU_SECONDS:g} s are a test's budget: make it cheaper, or mark it slow")
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Those that are over the budget of time."""
        reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
        late = [one for one in reports if one.when == "call" and one.duration > WALL_SECONDS]
        if not late:
            return
        terminalreporter.section(f"over {WALL_SECONDS:g} s")
        for one in sorted(late, key=lambda one: -one.duration):
            terminalreporter.line(f"{one.duration:.0f} s  {one.nodeid}")
        terminalreporter.line("tests/README.md says how a test becomes shorter")
