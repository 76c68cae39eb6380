"""Fixed versions: looked up once however many name them, believed for a while, and looked up beside the pass.

A pass waits for the first answer only, and not for long: a registry that hangs delays nobody who has an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rollmodel.adapters.mlflow.alias_poller import FIRST_ANSWER_SECONDS, silent
from rollmodel.errors import RollmodelError, Terminal
from rollmodel.ports.registry import Connection
from rollmodel.slots import beside_the_pass, waiting_for_neighbour

__all__ = ["VersionCache"]

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_Key = tuple[Connection, str, str]

#: How long what the registry said is believed, in seconds.
BELIEVED_SECONDS = 600.0
#: How much longer it serves while it is being looked up again, in seconds.
RENEWAL_SECONDS = 60.0
#: How long the silence after a first question is no news, in seconds.
FIRST_SILENCE_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class _Known(Generic[Answer]):
    answer: Answer
    asked: float


@dataclass(frozen=True, slots=True)
class _Lookup(Generic[Answer]):
    task: asyncio.Task[Answer]
    began: float


class VersionCache(Generic[Answer]):
    """``lookup`` asks the registry once. A version does not change, but may be deleted or tagged."""

    def __init__(self, lookup: Callable[[Connection, str, str], Awaitable[Answer]]) -> None:
        self._lookup = lookup
        self._known: dict[_Key, _Known[Answer]] = {}
        self._lookups: dict[_Key, _Lookup[Answer]] = {}

    async def get(self, connection: Connection, name: str, version: str) -> Answer:
        """What the registry says about a version. Raises what the lookup raised, Unavailable while there is no answer.

        The wait counts from when the lookup began: of many passes during one that hangs only the first waits.
        """
        key, now = (connection, name, version), time.monotonic()
        known = self._known.get(key)
        if known is not None and now - known.asked < BELIEVED_SECONDS:
            return known.answer
        lookup = self._lookups.get(key) or self._begin(key, now)
        if known is not None and now - known.asked < BELIEVED_SECONDS + RENEWAL_SECONDS:
            return known.answer
        try:
            async with waiting_for_neighbour(), asyncio.timeout(lookup.began + FIRST_ANSWER_SECONDS - now):
                return await asyncio.shield(lookup.task)
        except TimeoutError:
            raise silent(lookup.began, FIRST_SILENCE_SECONDS) from None

    def forget(self, connection: Connection, name: str, version: str) -> None:
        """It was tagged."""
        self._known.pop((connection, name, version), None)

    def close(self) -> None:
        """Look up nothing any more."""
        for lookup in self._lookups.values():
            lookup.task.cancel()

    def _begin(self, key: _Key, now: float) -> _Lookup[Answer]:
        self._known = {
            other: known
            for other, known in self._known.items()
            if now - known.asked < BELIEVED_SECONDS + RENEWAL_SECONDS
        }
        _, name, version = key
        lookup = self._lookups[key] = _Lookup(
            beside_the_pass(self._ask(key), name=f"look up {name} version {version}"), now
        )
        lookup.task.add_done_callback(lambda done: self._end(key, done, now))
        return lookup

    async def _ask(self, key: _Key) -> Answer:
        return await self._lookup(*key)

    def _end(self, key: _Key, done: asyncio.Task[Answer], began: float) -> None:
        del self._lookups[key]
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self._known[key] = _Known(done.result(), began)
        elif isinstance(error, Terminal):
            self._known.pop(key, None)
        elif not isinstance(error, RollmodelError):
            _log.error("looking up a version: unexpected error", exc_info=error)
