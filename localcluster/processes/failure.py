"""What is said of a process that failed: how it ended, which port it did not get, and its last words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from localcluster.processes.procfs import listeners, listens

__all__ = ["failure_message"]

_LOG_LINES = 15
_IN_USE = "address already in use"


def failure_message(name: str, how: str, log: str, ports: Sequence[int], pid: int | None) -> str:
    """Put together what a person needs to know.

    ``how``: how it ended, or what it did not do. ``log``: all that it has written in this run. ``ports``: where it
    should listen. ``pid``: its process id, if it still runs.
    """
    lost = "".join(f": its port {port} is in use by {_users(port)}" for port in _lost(log, ports, pid))
    lines = log.splitlines()[-_LOG_LINES:]
    if not lines:
        return f"{name} {how}{lost}; its log is empty"
    return f"{name} {how}{lost}; its log ends with:" + "".join(f"\n  {line}" for line in lines)


def _lost(log: str, ports: Sequence[int], pid: int | None) -> Sequence[int]:
    """The ports that it complains of (all, if it names none); while it runs, also those where only others listen."""
    complaints = [line for line in log.splitlines() if _IN_USE in line.lower()]
    if complaints:
        return [port for port in ports if any(re.search(rf"\b{port}\b", line) for line in complaints)] or ports
    return [port for port in ports if pid and listeners(port) and not listens(pid, port)]


def _users(port: int) -> str:
    return " and ".join(listeners(port)) or "another process"
