"""The operator as a process of this machine, and what it costs there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.scale.rig.profiling import Profile
from tests.bench.scale.rig.stack import Stack
from tests.bench.scale.rig.usage import Usage
from tests.support.live.operator_process import OperatorProcess

__all__ = ["Measured", "operator"]


class Measured(OperatorProcess):
    """A ``rollmodel run`` whose use of the machine can be read."""

    async def start(self) -> None:
        """Start it and wait until its readiness probe says yes."""
        await asyncio.to_thread(self.ensure)
        await self.ready()

    @property
    def usage(self) -> Usage:
        """What the process that runs now costs."""
        assert self._process is not None
        return Usage(self._process.pid)

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        return self.usage.memory

    @property
    def peak_memory(self) -> int:
        """The most resident memory that it ever had, in bytes."""
        return self.usage.peak_memory

    @property
    def cpu_seconds(self) -> float:
        """Processor time, in user and in system mode, since the start."""
        return self.usage.cpu_seconds


@contextmanager
def operator(where: Stack, profile: Profile | None = None, /, **settings: str) -> Iterator[Measured]:
    """An operator with the rights that we ship, stopped at the end of the block; the block starts it."""
    cluster = where.cluster
    usual = {"REGISTRY_URL": cluster.mlflow_url, "LOG_FORMAT": "text", **settings}
    process = Measured(cluster, where.operator_kubeconfig, cluster.directory / "logs" / "operator.log", usual)
    process.python = where.python or process.python
    process.program = (profile and profile.program) or process.program
    try:
        yield process
    finally:
        process.stop()
