"""How the API and the command talk to a supervisor: JSON lines over a Unix socket in the cluster's directory.

One request per connection: ``{"verb": ..., **arguments}``. The answer is any number of ``{"progress": text}`` lines
and one last line, ``{"result": value}`` or ``{"error": message}``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from localcluster.errors import LocalClusterError, NotRunningError, PartFailedError

__all__ = ["Handler", "listen", "request"]

Handler = Callable[[dict[str, Any], Callable[[str], None]], Awaitable[Any]]
"""Carries out one request; the second argument tells the client how it goes."""


def request(path: Path, verb: str, say: Callable[[str], None] = print, **arguments: Any) -> Any:
    """Send one request and wait for its result, passing progress to ``say``.

    Raises :class:`NotRunningError` if nobody listens or the supervisor ends meanwhile, :class:`PartFailedError` if it
    says that the request failed.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            with _short(path) as address:
                connection.connect(address)
            with connection.makefile("rw") as stream:
                stream.write(json.dumps({"verb": verb, **arguments}) + "\n")
                stream.flush()
                for line in stream:
                    answer = json.loads(line)
                    if "error" in answer:
                        raise PartFailedError(answer["error"])
                    if "result" in answer:
                        return answer["result"]
                    say(answer["progress"])
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunningError(f"no cluster is running in {path.parent}") from None
    except OSError as error:
        raise NotRunningError(f"no cluster is running in {path.parent} ({error})") from error
    raise NotRunningError(f"the cluster in {path.parent} ended before it answered")


async def listen(path: Path, handler: Handler) -> asyncio.Server:
    """Serve requests until the server is closed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(answer: dict[str, Any]) -> None:
            writer.write(json.dumps(answer).encode() + b"\n")

        try:
            arguments = json.loads(await reader.readline())
            send({"result": await handler(arguments, lambda text: send({"progress": text}))})
        except LocalClusterError as error:
            send({"error": str(error)})
        except Exception as error:
            send({"error": f"{type(error).__name__}: {error}"})
            raise
        finally:
            with suppress(ConnectionError):
                await writer.drain()
            writer.close()

    return await asyncio.start_unix_server(serve, sock=_bound(path))


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    with _short(path) as address:
        listener.bind(address)
    return listener


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Name the socket by way of its open folder: a socket's address has room for 107 bytes only (unix(7))."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
