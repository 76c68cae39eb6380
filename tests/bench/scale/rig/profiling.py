"""Where the operator's processor time and memory go, from one moment to another.

The operator's process is started by this module, and told by signals when to begin and when to end. Its own thread is
profiled; those in which MLflow's client waits are not.
"""

from __future__ import annotations

import cProfile
import os
import runpy
import signal
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Profile", "profiled"]

_BEGIN, _END = signal.SIGUSR1, signal.SIGUSR2


@dataclass(frozen=True, slots=True)
class Profile:
    """Files to write: ``cpu`` for ``python -m pstats``, ``memory`` for ``tracemalloc.Snapshot.load``."""

    cpu: Path | None = None
    memory: Path | None = None

    @property
    def program(self) -> str | None:
        """What ``python -c`` runs instead of the operator alone; None where nothing is to be written."""
        if self.cpu is None and self.memory is None:
            return None
        files = [str(path.absolute()) if path is not None else None for path in (self.cpu, self.memory)]
        return f"from {__name__} import run; run(*{files!r})"


@contextmanager
def profiled(pid: int, profile: Profile) -> Iterator[None]:
    """Around what is to be looked at; ``pid`` is the process that runs the profile's program."""
    if profile.program is None:
        yield
        return
    os.kill(pid, _BEGIN)
    try:
        yield
    finally:
        os.kill(pid, _END)


def run(cpu: str | None, memory: str | None) -> None:
    """Be the operator."""
    profiler = cProfile.Profile(time.process_time)

    def end(*_: object) -> None:
        if cpu is not None:
            profiler.disable()
            profiler.dump_stats(cpu)
        if memory is not None:
            tracemalloc.take_snapshot().dump(memory)

    if memory is not None:
        tracemalloc.start()
    signal.signal(_BEGIN, lambda *_: profiler.enable() if cpu is not None else None)
    signal.signal(_END, end)
    sys.argv[0] = "rollmodel"
    runpy.run_module("rollmodel", run_name="__main__", alter_sys=True)
