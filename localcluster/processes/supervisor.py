"""The process behind one cluster: ``python -m localcluster.processes.supervisor DIRECTORY LIFELINE``.

It owns every other process. It ends, and stops them in order, when it is told to, on SIGTERM and SIGINT, and when the
lifeline (a pipe held by whoever started it) closes; after ``detach`` the lifeline no longer matters.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from localcluster import control
from localcluster.errors import LocalClusterError, PartFailedError
from localcluster.network import held_ports
from localcluster.parts import PORTS, PROCESSES, STOP_ORDER, processes_of
from localcluster.parts.controlplane import prepare
from localcluster.processes.process import Process
from localcluster.processes.reaper import kill_all, start_watchdog
from localcluster.site import Site

__all__ = ["Supervisor"]

Say = Callable[[str], None]

log = logging.getLogger("localcluster.processes.supervisor")


class Supervisor:
    """Starts, stops and reports the processes of one site."""

    def __init__(self, site: Site, lifeline: int) -> None:
        self._site = site
        self._lifeline = lifeline
        self._processes: dict[str, Process] = {}
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._deaths: set[asyncio.Future[str]] = set()
        self._end = asyncio.Event()

    async def run(self) -> None:
        """Serve until the end of the cluster, which has its ports until then."""
        with held_ports(PORTS) as self._site.ports:
            await self._serve()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        loop.add_reader(self._lifeline, self._end.set)
        prepare(self._site)
        self._site.save()
        server = await control.listen(self._site.socket, self._handle)
        await self._end.wait()
        await self._stop_all()
        self._site.socket.unlink()
        server.close()

    async def _stop_all(self) -> None:
        for task in self._starts.values():
            task.cancel()
        await asyncio.gather(*self._starts.values(), return_exceptions=True)
        for name in STOP_ORDER:
            if name in self._processes:
                await self._processes[name].stop()
        kill_all(self._site.id)

    async def _handle(self, request: dict[str, Any], say: Say) -> Any:
        match request:
            case {"verb": "ensure", "parts": parts, "binaries": binaries}:
                await self.ensure(parts, binaries, say)
            case {"verb": "stop", "process": name}:
                await self.stop(name)
            case {"verb": "kill", "process": name}:
                await self.kill(name)
            case {"verb": "restart", "process": name}:
                await self.restart(name, say)
            case {"verb": "status"}:
                return self.status()
            case {"verb": "detach"}:
                self.detach()
            case {"verb": "shutdown"}:
                await self.shutdown()
            case _:
                raise LocalClusterError(f"not a request: {request}")
        return None

    async def ensure(self, parts: list[str], binaries: dict[str, str], say: Say) -> None:
        """Start whatever of ``parts`` does not run yet, side by side where nothing depends on another.

        If any process of the cluster dies meanwhile, this fails at once, with its last words.
        """
        self._site.binaries.update(binaries)
        try:
            await self._start_all(processes_of(parts), say)
        finally:
            self._site.save()

    async def stop(self, name: str) -> None:
        """End one process gracefully."""
        await self._process(name).stop()
        self._starts.pop(name, None)

    async def kill(self, name: str) -> None:
        """End one process with SIGKILL."""
        await self._process(name).kill()
        self._starts.pop(name, None)

    async def restart(self, name: str, say: Say) -> None:
        """Stop one process if it runs, and start it at the same address."""
        await self.stop(name)
        await self._start_all([name], say)

    def status(self) -> list[dict[str, Any]]:
        """Report each process that was ever started."""
        return [
            {
                "name": name,
                "state": process.state,
                "address": process.spec.address,
                "pid": process.pid,
                "memory_bytes": process.memory_bytes,
                "failure": process.failure,
            }
            for name, process in self._processes.items()
        ]

    def detach(self) -> None:
        """Outlive whoever started the cluster."""
        asyncio.get_running_loop().remove_reader(self._lifeline)

    async def shutdown(self) -> None:
        """End the cluster. There is no answer: the connection ends with the supervisor, after everything else."""
        self._end.set()
        await asyncio.Event().wait()

    def _process(self, name: str) -> Process:
        try:
            return self._processes[name]
        except KeyError:
            running = ", ".join(self._processes)
            raise LocalClusterError(f"no process {name!r} was started; there are {running}") from None

    async def _start_all(self, names: Iterable[str], say: Say) -> None:
        """Wait until all are ready, or until any process dies. Raises :class:`PartFailedError`."""
        starts = asyncio.gather(*(self._started(name, say) for name in names))
        death: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        either: set[asyncio.Future[Any]] = {starts, death}
        self._deaths.add(death)
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if starts.done():
                starts.result()
            else:
                raise PartFailedError(death.result())
        finally:
            self._deaths.discard(death)
            starts.cancel()
            await asyncio.gather(starts, return_exceptions=True)

    def _on_death(self, name: str, failure: str) -> None:
        """Tell of a process that ended by itself: in the log, and to all who wait for a start."""
        log.error("%s", failure)
        self._starts.pop(name, None)
        for death in self._deaths:
            if not death.done():
                death.set_result(failure)

    async def _started(self, name: str, say: Say) -> None:
        """Wait until a process is ready, starting it if nobody has."""
        task = self._starts.get(name)
        if task is None or (task.done() and not self._runs(name)):
            task = self._starts[name] = asyncio.create_task(self._start(name, say))
            # Its failure is told by whoever waits for it, and perhaps nobody does any more.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(task)

    def _runs(self, name: str) -> bool:
        return name in self._processes and self._processes[name].pid is not None

    async def _start(self, name: str, say: Say) -> None:
        spec = PROCESSES[name](self._site)
        for other in spec.after:
            await self._started(other, say)
        began = time.monotonic()
        await asyncio.to_thread(spec.before)
        process = self._processes[name] = Process(spec, self._site.log(name), partial(self._on_death, name))
        await process.start()
        say(f"{name}: ready at {spec.address} after {time.monotonic() - began:.1f} s")


def main(directory: str, lifeline: str) -> None:
    """Run the supervisor of the cluster in ``directory`` under a watchdog."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    site = Site.load(Path(directory))
    start_watchdog(site.id)
    asyncio.run(Supervisor(site, int(lifeline)).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
