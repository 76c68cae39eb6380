"""Requests to a supervisor: progress, results, errors, and a supervisor that is not there."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcluster import control
from localcluster.errors import LocalClusterError, NotRunningError, PartFailedError


async def ask(path: Path, handler: control.Handler, **arguments: Any) -> tuple[Any, list[str]]:
    """Send one request to a server of its own; return the result and the progress."""
    said: list[str] = []
    async with await control.listen(path, handler):
        result = await asyncio.to_thread(control.request, path, "greet", said.append, **arguments)
    return result, said


async def greet(request: dict[str, Any], say: Callable[[str], None]) -> Any:
    assert request["verb"] == "greet"
    say("thinking")
    return f"hello {request['name']}"


async def test_a_result_after_progress(tmp_path: Path) -> None:
    assert await ask(tmp_path / "socket", greet, name="world") == ("hello world", ["thinking"])


async def test_a_path_longer_than_a_socket_address(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    result, _ = await ask(deep / "socket", greet, name="depth")
    assert result == "hello depth"


async def test_a_refusal_reaches_the_client(tmp_path: Path) -> None:
    async def refuse(_request: dict[str, Any], _say: Callable[[str], None]) -> None:
        raise LocalClusterError("there is no such part")

    with pytest.raises(PartFailedError, match="there is no such part"):
        await ask(tmp_path / "socket", refuse)


async def test_a_supervisor_that_ends_meanwhile(tmp_path: Path) -> None:
    async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    path = tmp_path / "socket"
    async with await asyncio.start_unix_server(vanish, path):
        with pytest.raises(NotRunningError, match="ended before it answered"):
            await asyncio.to_thread(control.request, path, "greet")


@pytest.mark.parametrize("stale", [True, False])
def test_nobody_listens(tmp_path: Path, stale: bool) -> None:
    if stale:
        asyncio.run(ask(tmp_path / "socket", greet, name="past"))
    with pytest.raises(NotRunningError, match=f"no cluster is running in {tmp_path}$"):
        control.request(tmp_path / "socket", "greet")
