"""Local processes in groups of their own, and the pretence of one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from localcluster.processes.lifetimes import die_with_parent

__all__ = ["LocalProcess", "Pretence", "Process", "kill_left_over", "run_once", "start"]

_LOOK_AGAIN_SECONDS = 0.02


class Process(Protocol):
    """What runs in a container."""

    @property
    def real(self) -> bool:
        """Whether there is anything to probe."""
        ...

    async def wait(self) -> int:
        """The exit code; 128 + n where signal n ended the process."""
        ...

    def terminate(self) -> None:
        """Ask the main process to end, with SIGTERM."""
        ...

    def kill(self) -> None:
        """End the main process and all that it started, with SIGKILL."""
        ...


class LocalProcess:
    """A process group of this machine."""

    real = True

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def wait(self) -> int:
        """See Process. What is left of the group when its leader has ended is killed, as a container's end does."""
        code = await self._process.wait()
        self.kill()
        return 128 - code if code < 0 else code

    def terminate(self) -> None:
        """See Process."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """See Process."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


class Pretence:
    """No process: runs until it is told to end."""

    real = False

    def __init__(self) -> None:
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """See Process."""
        await self._ended.wait()
        return 0

    def terminate(self) -> None:
        """See Process."""
        self._ended.set()

    kill = terminate


async def start(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> LocalProcess:
    """Start a process in its own session, output to a file, killed with this process. Raises OSError."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *_found(argv, env),
            env=env,
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
    return LocalProcess(process)


async def run_once(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, seconds: float) -> tuple[int, str]:
    """Run a short command (a probe, a hook) for at most so long: exit code and output. Raises OSError, TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *_found(argv, env),
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, output.decode(errors="replace").strip()


def _found(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Look the program up in the container's own PATH, not in ours."""
    for folder in env.get("PATH", "").split(os.pathsep):
        candidate = Path(folder) / argv[0]
        if "/" not in argv[0] and os.access(candidate, os.X_OK):
            return [str(candidate), *argv[1:]]
    return list(argv)


async def kill_left_over(folder: Path) -> None:
    """Kill the processes whose $HOME is within a folder and wait until they are gone (after a crash of this one)."""
    while found := _at_home_in(folder):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _at_home_in(folder: Path) -> list[int]:
    prefix = os.fsencode(f"HOME={folder}/")
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if any(line.startswith(prefix) for line in environ.read_bytes().split(b"\0")):
                found.append(int(environ.parent.name))
    return found
