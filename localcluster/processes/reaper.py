"""Nothing outlives its cluster: the end of every process that carries the cluster's id in its environment.

Three nets, each under the one before: the supervisor stops its processes in order; the kernel kills a direct child
whose supervisor died (``PR_SET_PDEATHSIG``, see :mod:`localcluster.processes.lifetimes`); and the watchdog, this file
run by itself, holds a pipe to the supervisor and at its end kills the grandchildren too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["ID_VARIABLE", "kill_all", "members", "start_watchdog"]

ID_VARIABLE = "ROLLMODEL_LOCALCLUSTER"
"""Environment variable that marks every process of a cluster. Whoever starts processes in it passes it on."""

_PROC = Path("/proc")
_GIVE_UP_SECONDS = 10.0
_EMPTY_LOOKS = 2


def members(cluster_id: str) -> set[int]:
    """Return the pids of all living processes, except this one, that were started with the cluster's id."""
    mark = f"{ID_VARIABLE}={cluster_id}".encode()
    return {pid for pid in _pids() if pid != os.getpid() and mark in _environment(pid)}


def kill_all(cluster_id: str) -> set[int]:
    """Kill the members until there are none; return those that were killed.

    Repeated, because a process may fork between the look and the kill. One empty look is not enough: while a process
    calls execve it has no environment to be seen.
    """
    killed: set[int] = set()
    empty_looks = 0
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while empty_looks < _EMPTY_LOOKS and time.monotonic() < deadline:
        found = members(cluster_id)
        for pid in found:
            _kill(pid)
        killed |= found
        empty_looks = 0 if found else empty_looks + 1
        time.sleep(0.02)
    return killed


def start_watchdog(cluster_id: str) -> subprocess.Popen[bytes]:
    """Start a process that kills the members when this one ends, in whatever way.

    Its standard input is a pipe that is never written to. It does not carry the id itself, and it imports nothing of
    this package, to be small.
    """
    bystander = {name: value for name, value in os.environ.items() if name != ID_VARIABLE}
    command = [sys.executable, "-ES", __file__, cluster_id]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=bystander, start_new_session=True)


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    """The environment a process was started with; empty for zombies and for processes of other users."""
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _watch(cluster_id: str) -> None:
    """Wait for the end of standard input, which only the supervisor holds open, then clean up after it."""
    while sys.stdin.buffer.read(4096):
        pass
    kill_all(cluster_id)


if __name__ == "__main__":
    _watch(sys.argv[1])
