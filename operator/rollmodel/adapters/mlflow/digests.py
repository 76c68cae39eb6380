"""The digests of models, remembered. Each source is read once, in a thread; who asks meanwhile is told to come back.

What was read is known to all who found the version with a login of their own. A reading, and its failure, are of one
login: what one tenant may not read says nothing about what another may. Where namespaces share the operator's login,
each has one reading at a time, of its own: nobody's small model waits behind another one's twenty large ones.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from rollmodel.adapters.bulkhead import Bulkhead, Lane, on_behalf_of
from rollmodel.adapters.mlflow.artifacts import READING_SECONDS, Artifacts, Measured
from rollmodel.adapters.mlflow.connection.loading import load
from rollmodel.errors import RollmodelError, Terminal, Unavailable
from rollmodel.ports.registry import Connection
from rollmodel.slots import beside_the_pass, waiting_for_neighbour

__all__ = ["Digests"]

_log = logging.getLogger(__name__)

_REMEMBERED = 4096
#: How long a pass waits for a digest before it comes back later, in seconds.
PATIENCE_SECONDS = 10.0

#: How long a failure is believed, at least and at most, in seconds.
PAUSE_SECONDS, PAUSE_LIMIT_SECONDS = 5.0, 3600.0

Key = tuple[str, ...]
#: What is read, with which login, on whose behalf.
_Reader = tuple[Key, Connection, str | None]
K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Reading:
    task: asyncio.Task[Measured]
    began: float


@dataclass(frozen=True, slots=True)
class _Failure:
    error: RollmodelError
    until: float


class Digests:
    """Remembers digests, and computes each only once however many ask for it.

    What failed is remembered as well, the longer the more it cost: else a model that is too large is read for ever.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lanes = Bulkhead("digest", threads=4, per_lane=2, kept=1, initializer=load)
        self._known: OrderedDict[Key, Measured] = OrderedDict()
        self._failed: OrderedDict[_Reader, _Failure] = OrderedDict()
        self._readings: dict[_Reader, _Reading] = {}

    async def of(self, key: Key, connection: Connection, find: Callable[[], Awaitable[Artifacts]]) -> Measured:
        """The digest of the files that ``find`` finds by this connection. Raises what stood in the way, now or before.

        Unavailable (``Digesting``) if it takes long: come back. The wait counts from when the reading began, so of
        many passes during one reading only the first waits.
        """
        if key in self._known:
            return self._known[key]
        now, mine = time.monotonic(), (key, connection, on_behalf_of(connection))
        reading = self._readings.get(mine)
        if reading is None:
            failed = self._failed.get(mine)
            if failed is not None and now < failed.until:
                raise failed.error.with_traceback(None)
            reading = self._begin(mine, find, now)
        try:
            async with waiting_for_neighbour(), asyncio.timeout(reading.began + PATIENCE_SECONDS - now):
                return await _end_of(reading.task)
        except TimeoutError:
            raise Unavailable("the digest of the model's files is being computed", reason="Digesting") from None

    def abandon(self, connection: Connection) -> None:
        """End what is being read with this login."""
        for (_, login, _), reading in self._readings.items():
            if login == connection:
                reading.task.cancel()

    def close(self) -> None:
        """Let go of the threads."""
        for reading in self._readings.values():
            reading.task.cancel()
        self._lanes.close()

    def _begin(self, mine: _Reader, find: Callable[[], Awaitable[Artifacts]], now: float) -> _Reading:
        reading = self._readings[mine] = _Reading(beside_the_pass(self._measure(mine, find), name="digest"), now)
        reading.task.add_done_callback(lambda done: self._end(mine, done, now))
        return reading

    async def _measure(self, mine: _Reader, find: Callable[[], Awaitable[Artifacts]]) -> Measured:
        artifacts = await find()
        key, connection, owner = mine

        def measure() -> Measured:
            return self._known.get(key) or artifacts.measure(self._limit)  # another one has read it meanwhile

        try:
            return await self._lanes.run(Lane.of(connection), measure, seconds=READING_SECONDS, owner=owner, cut=True)
        except TimeoutError:
            raise Unavailable("reading the model's files took too long") from None

    def _end(self, mine: _Reader, done: asyncio.Task[Measured], began: float) -> None:
        del self._readings[mine]
        if done.cancelled():
            return
        error = done.exception()
        self._failed.pop(mine, None)
        if error is None:
            _remember(self._known, mine[0], done.result())
        elif isinstance(error, RollmodelError):
            now = time.monotonic()
            _remember(self._failed, mine, _Failure(error, now + _pause(error, now - began)))
        else:
            _log.error("computing a digest: unexpected error", exc_info=error)


async def _end_of(reading: asyncio.Task[Measured]) -> Measured:
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        waiting = asyncio.current_task()
        if not reading.cancelled() or (waiting is not None and waiting.cancelling()):
            raise
        raise Unavailable("the login changed while the model's files were read", reason="Digesting") from None


def _remember(known: OrderedDict[K, T], key: K, value: T) -> None:
    known[key] = value
    if len(known) > _REMEMBERED:
        known.popitem(last=False)


def _pause(error: RollmodelError, took: float) -> float:
    """How long to believe a failure: what is refused takes a tenth of the time, what may be mended a third."""
    return min(PAUSE_LIMIT_SECONDS, max(PAUSE_SECONDS, took * (9 if isinstance(error, Terminal) else 2)))
