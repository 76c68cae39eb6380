"""One poll per alias, however many objects follow it.

A follower is woken when the answer changed: the alias points elsewhere, it is gone, or the registry fell silent for
longer than a hiccup, or speaks again. Between polls everybody reads the last answer, so an object at rest asks nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from rollmodel.backoff import spread
from rollmodel.errors import NotAnsweredYet, RollmodelError, Transient, Unavailable
from rollmodel.ports.registry import Connection
from rollmodel.slots import beside_the_pass, waiting_for_neighbour

__all__ = ["AliasPoller", "Handle", "silent"]

_log = logging.getLogger(__name__)

#: So many polls may fail before the last good answer counts as old.
_HICCUP = 3
#: How long who asks waits for the first answer, in seconds.
FIRST_ANSWER_SECONDS = 5.0

Answer = TypeVar("Answer")
_Key = tuple[Connection, str, str]


@dataclass(slots=True, eq=False)
class _Topic(Generic[Answer]):
    """What is known about one alias: an answer, and the error since then, if any."""

    followers: dict[object, Callable[[], None]] = field(default_factory=dict)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Answer | None = None
    looked: float = 0.0
    """When the question was put whose answer this is."""
    answered: float = 0.0
    error: RollmodelError | None = None
    told: object = None
    """What followers were last told, or found by themselves at the first answer."""
    given_up: bool = False
    """Somebody did not wait for the first answer any longer."""
    task: asyncio.Task[None] | None = None
    began: float = field(default_factory=time.monotonic)
    polled: float = 0.0
    """When the last poll began that has ended."""
    not_awaited: float = 0.0
    """A poll that began after this was waited for in vain: nobody waits for it again."""
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where the next poll must not wait."""
    waiting: list[asyncio.Event] = field(default_factory=list)
    """Set at the end of each poll."""

    def read_at(self) -> float:
        """When the last question was put that was answered."""
        return self.looked if isinstance(self.error, Transient) else max(self.looked, self.polled)

    def outcome(self, patience: float) -> Answer | RollmodelError:
        """The answer, if it is good still; else the error."""
        fresh = time.monotonic() - self.answered <= patience
        if self.answer is not None and (self.error is None or (fresh and isinstance(self.error, Transient))):
            return self.answer
        return self.error or silent(self.began, patience)


class Handle:
    """A subscription."""

    def __init__(self, close: Callable[[], None], read_at: Callable[[], float]) -> None:
        self._close = close
        self._read_at = read_at

    @property
    def read_at(self) -> float:
        """When the registry was last asked and has answered, be it that there is no such alias (``monotonic``)."""
        return self._read_at()

    def close(self) -> None:
        """End it. The last one to leave ends the polling."""
        self._close()


class AliasPoller(Generic[Answer]):
    """Polls what is followed. ``lookup`` asks the registry once; ``interval`` is in seconds."""

    def __init__(self, lookup: Callable[[Connection, str, str], Awaitable[Answer]], *, interval: float) -> None:
        self._lookup = lookup
        self._interval = interval
        self._topics: dict[_Key, _Topic[Answer]] = {}

    def follow(self, connection: Connection, name: str, alias: str, wake: Callable[[], None]) -> Handle:
        """Begin to follow; ``wake`` is called at each change until the handle is closed."""
        key, follower = (connection, name, alias), object()
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = _Topic()
            topic.task = beside_the_pass(self._poll(key, topic), name=f"poll {name}@{alias}")
        topic.followers[follower] = wake
        return Handle(lambda: self._leave(key, topic, follower), topic.read_at)

    async def latest(
        self,
        connection: Connection,
        name: str,
        alias: str,
        *,
        stale: Callable[[Answer, float], bool] | None = None,
        not_before: float = 0.0,
    ) -> Answer:
        """The last answer if the alias is followed, else a new one. Raises what the lookup raised.

        ``stale`` judges an answer and the time at which it was asked for: one that is too old is asked for anew. A
        poll from before ``not_before`` (``time.monotonic``) is made again, once for all that wait for it.
        """
        key = connection, name, alias
        topic = self._topics.get(key)
        if topic is None:
            return await self._lookup(*key)
        if not topic.asked.is_set():
            await self._first_answer(topic)
        if max(topic.polled, topic.not_awaited) < not_before:
            await _polled_since(topic, not_before)
        outcome = topic.outcome(self._patience)
        if isinstance(outcome, RollmodelError):
            raise outcome
        if stale is None or not stale(outcome, topic.looked):
            return outcome
        try:
            async with waiting_for_neighbour(), asyncio.timeout(FIRST_ANSWER_SECONDS):
                renewed = await self._look(key, topic)
        except TimeoutError:
            raise Unavailable("the registry has not answered yet") from None
        self._notify(topic)
        return renewed

    def close(self) -> None:
        """Stop polling."""
        for topic in self._topics.values():
            _cancel(topic)
        self._topics.clear()

    @property
    def _patience(self) -> float:
        return _HICCUP * self._interval

    async def _first_answer(self, topic: _Topic[Answer]) -> None:
        """Wait for it. Who comes later, in the same silence, waits no more than what is left of the first wait."""
        try:
            async with waiting_for_neighbour(), asyncio.timeout(topic.began + FIRST_ANSWER_SECONDS - time.monotonic()):
                await topic.asked.wait()
        except TimeoutError:
            topic.given_up = True
            raise silent(topic.began, self._patience) from None

    def _leave(self, key: _Key, topic: _Topic[Answer], follower: object) -> None:
        topic.followers.pop(follower, None)
        if not topic.followers and self._topics.get(key) is topic:
            del self._topics[key]
            _cancel(topic)

    async def _poll(self, key: _Key, topic: _Topic[Answer]) -> None:
        while True:
            topic.hurry.clear()
            began = time.monotonic()
            try:
                await self._look(key, topic)
            except RollmodelError as error:
                topic.error = error
            except Exception:  # noqa: BLE001 - a bug, but it must not end the polling
                _log.exception("looking up alias %s of model %s: unexpected error", key[2], key[1])
                topic.error = Unavailable("the registry could not be asked: the operator's log says why")
            topic.polled = began
            self._notify(topic)
            while topic.waiting:
                topic.waiting.pop().set()
            with suppress(TimeoutError):
                async with asyncio.timeout(spread(self._interval)):
                    await topic.hurry.wait()

    async def _look(self, key: _Key, topic: _Topic[Answer]) -> Answer:
        began = time.monotonic()
        answer = await self._lookup(*key)
        if began >= topic.looked:  # else an answer to a later question has come first
            topic.answer, topic.error, topic.looked, topic.answered = answer, None, began, time.monotonic()
        return answer

    def _notify(self, topic: _Topic[Answer]) -> None:
        essence, first = _essence(topic.outcome(self._patience)), not topic.asked.is_set()
        topic.asked.set()
        if essence == topic.told:
            return
        topic.told = essence
        if not first or topic.given_up:  # else they are waiting for this very answer
            for wake in list(topic.followers.values()):
                wake()


def silent(began: float, patience: float) -> Unavailable:
    """What to say of a registry that was asked at ``began`` (monotonic seconds) and has not answered."""
    kind = NotAnsweredYet if time.monotonic() - began <= patience else Unavailable
    return kind("the registry has not answered yet")


async def _polled_since(topic: _Topic[Any], moment: float) -> None:
    """Have it polled now. Where that takes too long the last answer has to do; a new one wakes the followers."""
    try:
        async with waiting_for_neighbour(), asyncio.timeout(FIRST_ANSWER_SECONDS):
            while topic.polled < moment:
                ended = asyncio.Event()
                topic.waiting.append(ended)
                topic.hurry.set()
                await ended.wait()
    except TimeoutError:
        topic.not_awaited = moment


def _essence(outcome: object) -> object:
    """What has to differ so that followers are woken."""
    return (outcome.reason, str(outcome)) if isinstance(outcome, RollmodelError) else outcome


def _cancel(topic: _Topic[Answer]) -> None:
    if topic.task is not None:
        topic.task.cancel()
