"""One process: ready, failed, stopped, killed; and the end of everything that carries a mark."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localcluster.errors import PartFailedError
from localcluster.network import LOOPBACK, free_port, tcp_open
from localcluster.parts import PARTS, PORTS, PROCESSES, STOP_ORDER, binaries_of
from localcluster.processes.process import Process, ProcessSpec
from localcluster.processes.reaper import ID_VARIABLE, kill_all, members, start_watchdog
from tests.support.eventually import PATIENCE_SECONDS

STUBBORN = "trap '' TERM; touch ready; sleep 1000"
POLITE = "trap 'exit 3' TERM; sleep 1000 & touch ready; wait"
LISTEN = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(1000)
"""


def shell(
    script: str,
    folder: Path,
    ready_seconds: float = 20.0,
    stop_seconds: float = 20.0,
    on_death: Callable[[str], None] = lambda _: None,
) -> Process:
    spec = ProcessSpec(
        "part",
        ("/bin/sh", "-c", f"cd {folder}; {script}"),
        (),
        (folder / "ready").exists,
        {ID_VARIABLE: str(folder)},
        ready_seconds=ready_seconds,
        stop_seconds=stop_seconds,
    )
    return Process(spec, folder / "part.log", on_death)


def server(port: int, folder: Path, ready_seconds: float = 60.0) -> Process:
    """A process that listens on a port, in a child of it, and is ready when anybody answers there."""
    argv = ("/bin/sh", "-c", f'"{sys.executable}" -ISc "$0" {port}; exit $?', LISTEN)
    address, mark = f"{LOOPBACK}:{port}", {ID_VARIABLE: str(folder)}
    spec = ProcessSpec("part", argv, (address,), lambda: tcp_open(port), mark, ready_seconds=ready_seconds)
    return Process(spec, folder / "part.log")


def become(mark: str, number: int) -> bool:
    """Whether so many processes carry a mark, after a while at most: a signal takes a moment, and so does execve."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (there := len(members(mark)) == number) and time.monotonic() < deadline:
        time.sleep(0.01)
    return there


async def test_ready_then_stopped(tmp_path: Path) -> None:
    process = shell(POLITE, tmp_path)
    assert (process.state, process.pid, process.memory_bytes) == ("stopped", None, 0)
    await process.start()
    assert process.state == "ready"
    assert process.memory_bytes > 0
    await process.stop()
    assert (process.state, process.pid, process.memory_bytes) == ("ended with 3", None, 0)


async def test_one_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    process = shell(STUBBORN, tmp_path, stop_seconds=0.05)
    await process.start()
    await process.stop()
    assert process.state == "ended by SIGKILL"


async def test_workers_go_with_their_master(tmp_path: Path) -> None:
    process = shell(POLITE, tmp_path)
    await process.start()
    assert become(str(tmp_path), 2)
    await process.kill()
    assert become(str(tmp_path), 0)


async def test_one_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    process = shell("echo no such flag >&2; exit 2", tmp_path)
    with pytest.raises(PartFailedError, match=r"part ended with 2; its log ends with:\n  no such flag"):
        await process.start()


async def test_only_its_own_last_words_are_told(tmp_path: Path) -> None:
    (tmp_path / "part.log").write_text("words of an earlier run\n")
    with pytest.raises(PartFailedError, match=r"^part ended with 2; its log is empty$"):
        await shell("exit 2", tmp_path).start()


async def test_its_end_ends_the_start_also_while_a_probe_hangs(tmp_path: Path) -> None:
    hangs, over = threading.Event(), threading.Event()

    def hang() -> bool:
        hangs.set()
        return over.wait(PATIENCE_SECONDS)

    script = f"cd {tmp_path}; while [ ! -e go ]; do sleep 0.01; done; echo cannot go on; exit 1"
    process = Process(ProcessSpec("part", ("/bin/sh", "-c", script), (), hang), tmp_path / "part.log")
    start = asyncio.create_task(process.start())
    try:
        await asyncio.to_thread(hangs.wait, PATIENCE_SECONDS)
        (tmp_path / "go").touch()
        with pytest.raises(PartFailedError, match=r"part ended with 1; its log ends with:\n  cannot go on"):
            await start
    finally:
        over.set()


async def test_a_child_may_be_the_one_that_listens(tmp_path: Path) -> None:
    process = server(free_port(), tmp_path)
    await process.start()
    assert process.state == "ready"
    await process.stop()
    assert not process.failure


async def test_a_neighbour_that_answers_at_its_port_does_not_make_it_ready(tmp_path: Path) -> None:
    port = free_port()
    us = f"pid {os.getpid()}"
    with socket.create_server((LOOPBACK, port)):
        with pytest.raises(
            PartFailedError, match=rf"part ended with 1: its port {port} is in use by \S+ \({us}\)"
        ) as told:
            await server(port, tmp_path).start()
        assert "Address already in use" in str(told.value)
        silent = ProcessSpec("part", ("sleep", "1000"), (f"{LOOPBACK}:{port}",), lambda: True, ready_seconds=0.3)
        with pytest.raises(PartFailedError, match=rf"not ready after 0 s: its port {port} is in use by \S+ \({us}\)"):
            await Process(silent, tmp_path / "silent.log").start()


async def test_a_death_after_the_start_is_told(tmp_path: Path) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    process = shell("echo up; touch ready; exec sleep 1000", tmp_path, on_death=told.put_nowait)
    await process.start()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    assert await told.get() == process.failure == "part ended by SIGTERM; its log ends with:\n  up"
    assert process.state == "ended by SIGTERM"


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_an_end_on_demand_is_no_failure(tmp_path: Path, end: str) -> None:
    told: list[str] = []
    process = shell(POLITE, tmp_path, on_death=told.append)
    await process.start()
    await getattr(process, end)()
    assert process.state.startswith("ended")
    assert (process.failure, told) == ("", [])


async def test_one_that_never_gets_ready_is_killed(tmp_path: Path) -> None:
    process = shell("echo waiting for godot; sleep 1000", tmp_path, ready_seconds=0.3)
    with pytest.raises(PartFailedError, match=r"part not ready after 0 s; its log ends with:\n  waiting for godot"):
        await process.start()
    assert process.state == "ended by SIGKILL"


def test_everything_with_the_mark_is_killed_and_nothing_else(tmp_path: Path) -> None:
    # All three are there once it says so, and the shell cannot end before its own turn: it waits for no child.
    one, on = f"{tmp_path}-one", f"{tmp_path}-on"
    script = "setsid sleep 1000 & sleep 1000 & echo up; read never"
    ours, theirs = (
        subprocess.Popen(
            ["/bin/sh", "-c", script],
            env={**os.environ, ID_VARIABLE: mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for mark in (one, on)
    )
    with ours, theirs:
        for process in (ours, theirs):
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
        assert len(kill_all(one)) == 3
        assert ours.wait() == -signal.SIGKILL
        assert not members(one)
        assert theirs.poll() is None
        assert len(kill_all(on)) == 3


def test_the_watchdog_acts_at_the_end_of_its_input(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"], env={**os.environ, ID_VARIABLE: str(tmp_path)}) as marked:
        with start_watchdog(str(tmp_path)) as watchdog:
            assert marked.poll() is None
            watchdog.communicate(b"")
        assert marked.wait() == -signal.SIGKILL


def test_every_process_has_its_turn_to_stop() -> None:
    assert sorted(STOP_ORDER) == sorted(PROCESSES)
    assert STOP_ORDER.index("kube-apiserver") < STOP_ORDER.index("etcd")


def test_every_server_has_a_port_of_its_own() -> None:
    assert len(set(PORTS)) == len(PORTS)
    assert set(PROCESSES) <= set(PORTS)


def test_every_binary_of_a_part_is_in_a_catalog() -> None:
    from localcluster.binaries import CATALOG, GATEWAY_API

    assert set(binaries_of(PARTS)) <= {*CATALOG, GATEWAY_API}
