"""The operator as a process of this machine, and what it costs there (proc_pid_stat(5), proc_pid_statm(5))."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.scale.rig.stack import Stack
from tests.support.live.operator_process import OperatorProcess

__all__ = ["Measured", "operator"]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Measured(OperatorProcess):
    """A ``rollmodel run`` whose use of the machine can be read."""

    async def start(self) -> None:
        """Start it and wait until its readiness probe says yes."""
        await asyncio.to_thread(self.ensure)
        await self.ready()

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        return int(self._proc("statm").split()[1]) * _PAGE

    @property
    def peak_memory(self) -> int:
        """The most resident memory that it ever had, in bytes (VmHWM of proc_pid_status(5))."""
        lines = (line.split() for line in self._proc("status").splitlines())
        return next(int(line[1]) * 1024 for line in lines if line[0] == "VmHWM:")

    @property
    def cpu_seconds(self) -> float:
        """Processor time, in user and in system mode, since the start."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def _proc(self, file: str) -> str:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/{file}").read_text()


@contextmanager
def operator(where: Stack, **settings: str) -> Iterator[Measured]:
    """An operator with the rights that we ship, stopped at the end of the block; the block starts it."""
    cluster = where.cluster
    usual = {"REGISTRY_URL": cluster.mlflow_url, "LOG_FORMAT": "text", **settings}
    process = Measured(cluster, where.operator_kubeconfig, cluster.directory / "logs" / "operator.log", usual)
    try:
        yield process
    finally:
        process.stop()
