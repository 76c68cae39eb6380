"""One process: ready, failed, stopped, killed; and the end of everything that carries a mark."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from localcluster.errors import PartFailedError
from localcluster.parts import PARTS, PORTS, PROCESSES, STOP_ORDER, binaries_of
from localcluster.processes import Process, ProcessSpec
from localcluster.reaper import ID_VARIABLE, kill_all, members, start_watchdog
from tests.support.eventually import PATIENCE_SECONDS

STUBBORN = "trap '' TERM; touch ready; sleep 1000"
POLITE = "trap 'exit 3' TERM; sleep 1000 & touch ready; wait"


def shell(script: str, folder: Path, ready_seconds: float = 20.0, stop_seconds: float = 20.0) -> Process:
    spec = ProcessSpec(
        "part",
        ("/bin/sh", "-c", f"cd {folder}; {script}"),
        "127.0.0.1:1",
        (folder / "ready").exists,
        {ID_VARIABLE: str(folder)},
        ready_seconds=ready_seconds,
        stop_seconds=stop_seconds,
    )
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
