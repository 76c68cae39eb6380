"""Workspaces of MLflow: whether a server has them, so that a connection that names none says whose models it sees.

With workspaces a server looks names up in the one that the header ``X-MLFLOW-WORKSPACE`` names, else in its default
one, where a model of another team may have the same name. A server without workspaces refuses the header itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rollmodel.adapters.mlflow.connection.http import Requests
from rollmodel.errors import RollmodelError
from rollmodel.ports.registry import Connection
from rollmodel.slots import beside_the_pass

__all__ = ["PATIENCE_SECONDS", "Workspaces", "server_info"]

#: How long an answer is believed, in seconds; a server gets workspaces by a restart with another configuration.
_BELIEVED_SECONDS = 3600.0
#: When a server that did not answer is asked again.
_AGAIN_SECONDS = 60.0
#: How long a pass waits for the answer, in seconds.
PATIENCE_SECONDS = 1.0
_NOTE = (
    "MLflow has workspaces and the connection names none, so this is the model of the default one: set `workspace` in"
    " the Secret of `connectionRef`, or ROLLMODEL_REGISTRY_WORKSPACE"
)


@dataclass(frozen=True, slots=True)
class _Known:
    enabled: bool
    until: float


class Workspaces:
    """Remembers which servers have workspaces. ``ask`` says whether one does, None where it does not answer.

    It is asked beside the pass: a server that hangs delays nobody by more than ``PATIENCE_SECONDS``.
    """

    def __init__(self, ask: Callable[[Connection], Awaitable[bool | None]]) -> None:
        self._ask = ask
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def note(self, connection: Connection) -> str | None:
        """What people should know about a connection without a workspace."""
        url, now = connection.url, time.monotonic()
        known = self._known.get(url)
        if (known is None or known.until < now) and url not in self._asking:
            task = self._asking[url] = beside_the_pass(self._look(connection), name="workspaces")
            task.add_done_callback(lambda _: self._asking.pop(url, None))
            await asyncio.wait([task], timeout=PATIENCE_SECONDS)
            known = self._known.get(url)
        return _NOTE if known is not None and known.enabled else None

    def close(self) -> None:
        """Ask no more."""
        for task in self._asking.values():
            task.cancel()

    async def _look(self, connection: Connection) -> None:
        enabled, now = await self._ask(connection), time.monotonic()
        self._known = {url: one for url, one in self._known.items() if one.until >= now}
        seconds = _AGAIN_SECONDS if enabled is None else _BELIEVED_SECONDS
        self._known[connection.url] = _Known(bool(enabled), now + seconds)


def server_info(requests: Requests) -> bool | None:
    """Whether the server says that it has workspaces; None where it does not answer, False for older ones."""
    try:
        answer = requests.ask("GET", "/api/3.0/mlflow/server-info")
        said = answer.json() if answer.status_code == 200 else None
    except (RollmodelError, ValueError):
        return None
    return isinstance(said, dict) and said.get("workspaces_enabled") is True
