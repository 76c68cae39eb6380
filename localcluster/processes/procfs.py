"""What the kernel tells of a process: its descendants, its memory, and on which ports it listens (proc(5))."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from localcluster.network import LOOPBACK

__all__ = ["family", "listeners", "listens", "resident_bytes"]

_PROC = Path("/proc")
_LISTEN = "0A"


def family(ancestor: int) -> set[int]:
    """Pids of a process and of its descendants."""
    parents = {pid: _parent(pid) for pid in _pids()}
    members, found = set[int](), {ancestor}
    while found:
        members |= found
        found = {pid for pid, parent in parents.items() if parent in found}
    return members


def resident_bytes(pid: int) -> int:
    """Resident memory of one process; 0 if it is gone."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def listens(pid: int, port: int) -> bool:
    """Whether it is this process, or a descendant of it and nobody else, that listens on the loopback ``port``."""
    sockets = _listening(port)
    return bool(sockets) and sockets <= set().union(*(_sockets(member) for member in family(pid)))


def listeners(port: int) -> list[str]:
    """Who listens on the loopback ``port``, each as ``name (pid 1)``; processes of other users are not seen."""
    sockets = _listening(port)
    return [f"{_name(pid)} (pid {pid})" for pid in sorted(_pids()) if sockets and sockets & _sockets(pid)]


def _listening(port: int) -> set[str]:
    """The listening sockets that answer at the loopback ``port``, as links in /proc/PID/fd name them."""
    hosts = {_hexadecimal(LOOPBACK), _hexadecimal("0.0.0.0")}
    found = set()
    for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        host, _, number = local.partition(":")
        if state == _LISTEN and host in hosts and int(number, 16) == port:
            found.add(f"socket:[{inode}]")
    return found


def _hexadecimal(host: str) -> str:
    """The address as the kernel prints it: four bytes as one number, in the byte order of this machine."""
    return f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}"


def _sockets(pid: int) -> set[str]:
    """What the process has open, if it is ours."""
    found = set()
    with suppress(OSError):
        for link in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                found.add(str(link.readlink()))
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int:
    """Its parent's pid, the second field after the name (proc_pid_stat(5)); 0 if the process is gone."""
    try:
        return int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "a process that has ended"
