"""What a process of this machine costs (proc_pid_stat(5), proc_pid_statm(5), proc_pid_status(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage"]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """The use that the process ``pid`` makes of the machine."""

    pid: int

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        return int(self._proc("statm").split()[1]) * _PAGE

    @property
    def peak_memory(self) -> int:
        """The most resident memory that it ever had, in bytes."""
        lines = (line.split() for line in self._proc("status").splitlines())
        return next(int(line[1]) * 1024 for line in lines if line[0] == "VmHWM:")

    @property
    def cpu_seconds(self) -> float:
        """Processor time, in user and in system mode, since the start."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def _proc(self, file: str) -> str:
        return Path(f"/proc/{self.pid}/{file}").read_text()
