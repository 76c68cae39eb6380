"""The digests of models, remembered. Each source is read once, in a thread; who asks meanwhile is told to come back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from rollmodel.adapters.bulkhead import Bulkhead, Lane
from rollmodel.adapters.mlflow.artifacts import READING_SECONDS, Artifacts, Measured
from rollmodel.adapters.mlflow.connection.client import load
from rollmodel.errors import RollmodelError, Terminal, Unavailable
from rollmodel.slots import beside_the_pass, waiting_for_neighbour

__all__ = ["Digests"]

_log = logging.getLogger(__name__)

_REMEMBERED = 4096
#: How long a pass waits for a digest before it comes back later, in seconds.
PATIENCE_SECONDS = 10.0

#: How long a failure is believed, at least and at most, in seconds.
PAUSE_SECONDS, PAUSE_LIMIT_SECONDS = 5.0, 3600.0

Key = tuple[str, ...]
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
        self._lanes = Bulkhead("digest", threads=4, per_lane=1, initializer=load)
        self._known: OrderedDict[Key, Measured] = OrderedDict()
        self._failed: OrderedDict[Key, _Failure] = OrderedDict()
        self._readings: dict[Key, _Reading] = {}

    async def of(self, key: Key, find: Callable[[], Awaitable[Artifacts]]) -> Measured:
        """The digest of the files that ``find`` finds. Raises what stood in the way, now or a while ago.

        Unavailable (``Digesting``) if it takes long: come back. The wait counts from when the reading began, so of
        many passes during one reading only the first waits.
        """
        if key in self._known:
            return self._known[key]
        now = time.monotonic()
        reading = self._readings.get(key)
        if reading is None:
            failed = self._failed.get(key)
            if failed is not None and now < failed.until:
                raise failed.error.with_traceback(None)
            reading = self._begin(key, find, now)
        try:
            async with waiting_for_neighbour(), asyncio.timeout(reading.began + PATIENCE_SECONDS - now):
                return await asyncio.shield(reading.task)
        except TimeoutError:
            raise Unavailable("the digest of the model's files is being computed", reason="Digesting") from None

    def close(self) -> None:
        """Let go of the threads."""
        for reading in self._readings.values():
            reading.task.cancel()
        self._lanes.close()

    def _begin(self, key: Key, find: Callable[[], Awaitable[Artifacts]], now: float) -> _Reading:
        reading = self._readings[key] = _Reading(beside_the_pass(self._measure(find), name="digest"), now)
        reading.task.add_done_callback(lambda done: self._end(key, done, now))
        return reading

    async def _measure(self, find: Callable[[], Awaitable[Artifacts]]) -> Measured:
        artifacts = await find()
        lane = Lane.of(artifacts.requests.connection)
        try:
            return await self._lanes.run(lane, lambda: artifacts.measure(self._limit), seconds=READING_SECONDS)
        except TimeoutError:
            raise Unavailable("reading the model's files took too long") from None

    def _end(self, key: Key, done: asyncio.Task[Measured], began: float) -> None:
        del self._readings[key]
        if done.cancelled():
            return
        error = done.exception()
        self._failed.pop(key, None)
        if error is None:
            _remember(self._known, key, done.result())
        elif isinstance(error, RollmodelError):
            now = time.monotonic()
            _remember(self._failed, key, _Failure(error, now + _pause(error, now - began)))
        else:
            _log.error("computing a digest: unexpected error", exc_info=error)


def _remember(known: OrderedDict[Key, T], key: Key, value: T) -> None:
    known[key] = value
    if len(known) > _REMEMBERED:
        known.popitem(last=False)


def _pause(error: RollmodelError, took: float) -> float:
    """How long to believe a failure: what is refused takes a tenth of the time, what may be mended a third."""
    return min(PAUSE_LIMIT_SECONDS, max(PAUSE_SECONDS, took * (9 if isinstance(error, Terminal) else 2)))
