"""A start ends at once when a part dies, and a death later is told in the log and in the status."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from localcluster.errors import PartFailedError
from localcluster.parts import PARTS, PROCESSES, Part
from localcluster.processes.process import ProcessSpec
from localcluster.processes.supervisor import Supervisor
from localcluster.site import Site
from tests.support.eventually import PATIENCE_SECONDS

SLEEP = "exec sleep 1000"


async def until(holds: Callable[[], object]) -> None:
    """Wait until it holds; fail if it does not within a time that is long on any machine."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


class Bed:
    """A supervisor with parts that are shell scripts. A part is ready when its script has made a file of its name."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.supervisor = Supervisor(Site.create(folder, audit=False, scrape_interval="1s", images=None), 0)
        self._monkeypatch = monkeypatch
        self._names: list[str] = []

    def part(self, name: str, script: str, after: tuple[str, ...] = ()) -> None:
        argv = ("/bin/sh", "-c", f"cd {self.folder}; {script}")

        def build(_site: Site) -> ProcessSpec:
            return ProcessSpec(name, argv, (), (self.folder / name).exists, after=after)

        self._monkeypatch.setitem(PROCESSES, name, build)
        self._monkeypatch.setitem(PARTS, name, Part({name: build}, (), ()))
        self._names.append(name)

    async def ensure(self, *names: str) -> None:
        await self.supervisor.ensure(list(names), {}, lambda _: None)

    def state(self, name: str) -> tuple[str, str]:
        row = next(row for row in self.supervisor.status() if row["name"] == name)
        return row["state"], row["failure"]

    def runs(self, name: str) -> bool:
        return any(row["name"] == name and row["pid"] for row in self.supervisor.status())

    def crash(self, name: str) -> None:
        """As the kernel does when memory runs out."""
        pid = next(row["pid"] for row in self.supervisor.status() if row["name"] == name)
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)

    async def end(self) -> None:
        for name in self._names:
            if name in self.supervisor._processes:
                await self.supervisor.kill(name)


@pytest.fixture
async def bed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    bed = Bed(tmp_path / "site", monkeypatch)
    yield bed
    await bed.end()


async def test_one_that_dies_while_others_start_ends_the_start(bed: Bed) -> None:
    bed.part("waits", SLEEP)
    bed.part("dies", "echo no disk; exit 7")
    with pytest.raises(PartFailedError, match=r"^dies ended with 7; its log ends with:\n  no disk$"):
        await bed.ensure("waits", "dies")
    assert bed.state("waits") == ("starting", "")


async def test_one_that_was_ready_and_dies_ends_the_start_too(bed: Bed) -> None:
    bed.part("base", f"echo up; touch base; {SLEEP}")
    bed.part("waits", SLEEP, after=("base",))
    start = asyncio.create_task(bed.ensure("base", "waits"))
    await until(lambda: bed.runs("waits"))
    bed.crash("base")
    with pytest.raises(PartFailedError, match=r"^base ended by SIGKILL; its log ends with:\n  up$"):
        await start


async def test_a_restart_that_fails_says_so(bed: Bed) -> None:
    bed.part("part", f"if [ -e old ]; then echo worn out; exit 1; fi; touch part; {SLEEP}")
    await bed.ensure("part")
    (bed.folder / "old").touch()
    (bed.folder / "part").unlink()
    with pytest.raises(PartFailedError, match=r"^part ended with 1; its log ends with:\n  worn out$"):
        await bed.supervisor.restart("part", lambda _: None)
    (bed.folder / "old").unlink()
    await bed.ensure("part")  # it starts anew
    assert bed.state("part") == ("ready", "")


async def test_a_death_later_is_told_in_the_log_and_in_the_status(bed: Bed, caplog: pytest.LogCaptureFixture) -> None:
    bed.part("part", f"echo up; touch part; {SLEEP}")
    await bed.ensure("part")
    assert bed.state("part") == ("ready", "")
    bed.crash("part")
    await until(lambda: caplog.messages)
    told = "part ended by SIGKILL; its log ends with:\n  up"
    assert bed.state("part") == ("ended by SIGKILL", told)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(logging.ERROR, told)]
    await bed.ensure("part")
    assert bed.state("part") == ("ready", "")


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_an_end_on_demand_is_nobodys_trouble(bed: Bed, caplog: pytest.LogCaptureFixture, end: str) -> None:
    bed.part("part", f"echo up; touch part; {SLEEP}")
    bed.part("waits", SLEEP)
    await bed.ensure("part")
    start = asyncio.create_task(bed.ensure("waits"))
    await until(lambda: bed.runs("waits"))
    await getattr(bed.supervisor, end)("part")
    (bed.folder / "waits").touch()
    await start
    assert bed.state("part")[1] == ""
    assert not caplog.records
