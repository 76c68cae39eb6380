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
from localcluster.lifetimes import die_with_parent

__all__ = ["Process", "ProcessSpec"]

_POLL_SECONDS = 0.05
_LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run, and how to tell that it serves.

    ``ready`` may block for a second or two; it is asked in a thread until it says yes. ``after`` names processes that
    must be ready first. ``before`` is called in a thread between their being ready and the start.
    """

    name: str
    argv: tuple[str, ...]
    address: str
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    before: Callable[[], None] = lambda: None
    ready_seconds: float = 300.0
    stop_seconds: float = 5.0


class Process:
    """A running (or ended) process in a session of its own, with its output in a log file.

    Must be started from the supervisor's main thread: the kernel ties the child's life to the thread that forked it.
    """

    def __init__(self, spec: ProcessSpec, log: Path) -> None:
        self.spec = spec
        self._log = log
        self._child: asyncio.subprocess.Process | None = None
        self._end: asyncio.Task[None] | None = None
        self._ready = False

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises :class:`PartFailedError`; then it is no longer running."""
        with self._log.open("ab") as log:
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
            await self._wait_until_ready()
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Ask it to end, and kill it after ``stop_seconds``."""
        if self._child and self._end:
            self._signal(self._child, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._end), self.spec.stop_seconds)
        await self.kill()

    async def kill(self) -> None:
        """Kill it with SIGKILL."""
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
        return sum(_resident(pid) for pid in _family(self.pid)) if self.pid else 0

    async def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.spec.ready_seconds
        while not await asyncio.to_thread(self.spec.ready):
            if self.pid is None:
                raise self._failed(self.state)
            if time.monotonic() > deadline:
                raise self._failed(f"not ready after {self.spec.ready_seconds:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)
        self._ready = True

    def _failed(self, how: str) -> PartFailedError:
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        tail = "".join(f"\n  {line}" for line in lines)
        return PartFailedError(f"{self.spec.name} {how}; its log ends with:{tail}")

    async def _until_end(self, child: asyncio.subprocess.Process) -> None:
        """Wait for its end, and end what is left of its process group: workers go with their master."""
        await child.wait()
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)

    @staticmethod
    def _signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
        """Signal the whole group, but never a number that may have gone to somebody else."""
        if child.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, number)


def _family(ancestor: int) -> set[int]:
    """Pids of a process and of its descendants."""
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    family, found = set[int](), {ancestor}
    while found:
        family |= found
        found = {pid for pid, parent in parents.items() if parent in found}
    return family


def _parent(process: Path) -> int:
    """Its parent's pid, the second field after the name (proc_pid_stat(5)); 0 if the process is gone."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
