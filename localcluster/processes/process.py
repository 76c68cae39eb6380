"""One process of a cluster: how it is described, started, awaited, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from localcluster.errors import PartFailedError
from localcluster.processes.failure import failure_message
from localcluster.processes.lifetimes import die_with_parent
from localcluster.processes.procfs import family, listens, resident_bytes

__all__ = ["Process", "ProcessSpec"]

#: How often a process is asked whether it serves: first this often, then after a twentieth of the time that it has had.
_POLL_SECONDS = 0.05
_POLL_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run, and how to tell that it serves.

    ``listens``: the addresses (host:port on the loopback interface) at which the process, or a descendant of it, must
    listen itself; the first one is for clients. When it does, ``ready`` is asked, in a thread, until it says yes; it
    may block for a second or two. ``after`` names processes that must be ready first. ``before`` is called in a thread
    between their being ready and the start.
    """

    name: str
    argv: tuple[str, ...]
    listens: tuple[str, ...]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    before: Callable[[], None] = lambda: None
    ready_seconds: float = 300.0
    stop_seconds: float = 5.0

    @property
    def address(self) -> str:
        """Where clients find it; empty if it does not listen."""
        return next(iter(self.listens), "")

    @property
    def ports(self) -> list[int]:
        """The ports of ``listens``."""
        return [int(address.rpartition(":")[2]) for address in self.listens]


class Process:
    """A running (or ended) process in a session of its own, with its output in a log file.

    Must be started from the supervisor's main thread: the kernel ties the child's life to the thread that forked it.
    """

    def __init__(self, spec: ProcessSpec, log: Path, on_death: Callable[[str], None] = lambda _: None) -> None:
        self.spec = spec
        self.failure = ""
        """Why the process ended although nobody had asked it to, with its last words; else empty."""
        self._log = log
        self._log_begin = 0
        self._on_death = on_death
        self._child: asyncio.subprocess.Process | None = None
        self._end: asyncio.Task[None] | None = None
        self._told_to_end = False
        self._ready = False

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises :class:`PartFailedError`; then it is no longer running."""
        with self._log.open("ab") as log:
            self._log_begin = log.tell()
            self._child = await asyncio.create_subprocess_exec(
                *self.spec.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **self.spec.environment},
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self._end = asyncio.create_task(self._until_end(self._child))
        try:
            await self._until_ready(self._child.pid, self._end)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Ask it to end, and kill it after ``stop_seconds``."""
        self._told_to_end = True
        if self._child and self._end:
            self._signal(self._child, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._end), self.spec.stop_seconds)
        await self.kill()

    async def kill(self) -> None:
        """Kill it with SIGKILL."""
        self._told_to_end = True
        if self._child and self._end:
            self._signal(self._child, signal.SIGKILL)
            await asyncio.shield(self._end)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child and self._child.returncode is None else None

    @property
    def state(self) -> str:
        """``starting``, ``ready`` or how it ended."""
        if self._child is None:
            return "stopped"
        if self._child.returncode is None:
            return "ready" if self._ready else "starting"
        code = self._child.returncode
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the process and all that it started: of the node, its pods too."""
        return sum(resident_bytes(pid) for pid in family(self.pid)) if self.pid else 0

    async def _until_ready(self, pid: int, end: asyncio.Task[None]) -> None:
        """Wait until it is ready. Its end ends the wait at once, also while a probe still hangs."""
        ready = asyncio.create_task(self._until_it_answers(pid))
        try:
            await asyncio.wait({ready, end}, timeout=self.spec.ready_seconds, return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                raise PartFailedError(self._message(self.state))
            if not ready.done():
                raise PartFailedError(self._message(f"not ready after {self.spec.ready_seconds:.0f} s"))
            ready.result()
            self._ready = True
        finally:
            ready.cancel()

    async def _until_it_answers(self, pid: int) -> None:
        """Wait until it listens itself wherever it should, and then answers: a neighbour's answer does not count."""

        def answers() -> bool:
            return all(listens(pid, port) for port in self.spec.ports) and self.spec.ready()

        began = time.monotonic()
        while True:
            if await asyncio.to_thread(answers):
                return
            await asyncio.sleep(max(_POLL_SECONDS, _POLL_SHARE * (time.monotonic() - began)))

    def _message(self, how: str) -> str:
        log = self._log.read_bytes()[self._log_begin :].decode(errors="replace")
        return failure_message(self.spec.name, how, log, self.spec.ports, self.pid)

    async def _until_end(self, child: asyncio.subprocess.Process) -> None:
        """Wait for its end, and end what is left of its process group: workers go with their master.

        Tell of the end if nobody had asked for it.
        """
        await child.wait()
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        if not self._told_to_end:
            self.failure = self._message(self.state)
            self._on_death(self.failure)

    @staticmethod
    def _signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
        """Signal the whole group, but never a number that may have gone to somebody else."""
        if child.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, number)
