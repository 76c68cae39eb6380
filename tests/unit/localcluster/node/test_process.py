"""Real processes: groups, signals, what a crash of the node leaves behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcluster.node.containers.process import Pretence, kill_left_over, run_once, start

ENV = {"PATH": os.environ["PATH"]}


async def shell(script: str, tmp_path: Path) -> Any:
    return await start(["sh", "-c", script], env=ENV, cwd=tmp_path, log=tmp_path / "log")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143)])
async def test_exit_codes(tmp_path: Path, script: Any, code: Any) -> None:
    process = await shell(script, tmp_path)
    assert await process.wait() == code


async def test_both_outputs_go_to_the_log(tmp_path: Path) -> None:
    await (await shell("echo out; echo err >&2", tmp_path)).wait()
    assert (tmp_path / "log").read_text() == "out\nerr\n"


async def test_the_environment_is_only_what_was_given(tmp_path: Path) -> None:
    await (await shell("env", tmp_path)).wait()
    names = {line.partition("=")[0] for line in (tmp_path / "log").read_text().splitlines()}
    assert names <= {"PATH", "PWD", "SHLVL", "_", "OLDPWD"}


async def test_a_program_is_looked_up_in_its_own_path(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho own\n")
    (tmp_path / "tool").chmod(0o755)
    await (await start(["tool"], env={"PATH": str(tmp_path)}, cwd=tmp_path, log=tmp_path / "log")).wait()
    assert (tmp_path / "log").read_text() == "own\n"


async def test_what_is_left_of_the_group_ends_with_its_leader(tmp_path: Path) -> None:
    process = await shell("sleep 1000 & echo $!; exit 0", tmp_path)
    assert await process.wait() == 0
    child = int((tmp_path / "log").read_text())
    await until(lambda: not Path(f"/proc/{child}/cwd").exists())


async def test_sigterm_goes_to_the_main_process_alone(tmp_path: Path) -> None:
    script = 'trap "echo main; exit 5" TERM; sh -c "trap \'echo child\' TERM; echo up; sleep 1000" & wait'
    process = await shell(script, tmp_path)
    log = tmp_path / "log"
    await until(lambda: log.exists() and log.read_text() == "up\n")
    process.terminate()
    assert await process.wait() == 5
    assert log.read_text() == "up\nmain\n"


async def test_a_pretence_ends_when_it_is_told_to() -> None:
    process = Pretence()
    process.terminate()
    assert await process.wait() == 0


async def test_a_program_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await start(["no-such-program"], env=ENV, cwd=tmp_path, log=tmp_path / "log")


async def test_a_short_command_gives_code_and_output(tmp_path: Path) -> None:
    assert await run_once(["sh", "-c", "echo no; exit 4"], env=ENV, cwd=tmp_path, seconds=10) == (4, "no")


async def test_a_short_command_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    script = "echo $$ > pid; sleep 1000"
    with pytest.raises(TimeoutError):
        await run_once(["sh", "-c", script], env=ENV, cwd=tmp_path, seconds=0.5)
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_processes_at_home_in_a_folder_are_killed_and_no_others(tmp_path: Path) -> Any:
    def at_home_in(folder: str) -> subprocess.Popen[bytes]:
        environment = {**ENV, "HOME": str(tmp_path / folder / "uid")}
        return subprocess.Popen([sys.executable, "-c", "input()"], env=environment, stdin=subprocess.PIPE)

    with at_home_in("pods") as ours, at_home_in("pods-of-others") as other:
        reaping = asyncio.create_task(asyncio.to_thread(ours.wait))
        await kill_left_over(tmp_path / "pods")
        assert await reaping == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
