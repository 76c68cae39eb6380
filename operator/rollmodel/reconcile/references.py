"""Who refers to what, so that a change of one thing wakes the objects that depend on it.

As controller-runtime's ``EnqueueRequestsFromMapFunc``, but the map is an index: each pass says what its object refers
to, and each change is announced by its topic. Nothing is asked of anybody for it. It only saves time: whoever missed an
announcement, because another process made the change, finds out when it looks next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rollmodel.plan.decision import CreateVersion, Effect, WriteRegistry

__all__ = ["Place", "References", "Topic", "changed_models", "registered_model", "secret", "the_object"]


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that objects refer to. ``where`` is the namespace, or the address of the registry."""

    kind: str
    where: str
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is; ``registry`` is the address of its registry, None while that is not known."""

    namespace: str
    registry: str | None


@dataclass(slots=True)
class _Entry:
    objects: set[str] = field(default_factory=set)
    announced: float = 0.0
    missing: bool = False


class References:
    """The index, by UID of the objects that refer. ``wake(uid)`` tells an object to look again.

    It holds what driven objects refer to now, and nothing else.
    """

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._topics: dict[str, frozenset[Topic]] = {}
        self._entries: dict[Topic, _Entry] = {}

    def refer(self, uid: str, topics: Iterable[Topic]) -> None:
        """All that this object refers to now."""
        before, after = self._topics.get(uid, frozenset()), frozenset(topics)
        if before == after:
            return
        for topic in before - after:
            entry = self._entries[topic]
            entry.objects.discard(uid)
            if not entry.objects:
                del self._entries[topic]
        for topic in after - before:
            self._entries.setdefault(topic, _Entry()).objects.add(uid)
        self._topics[uid] = after
        if not after:
            del self._topics[uid]

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self.refer(uid, ())

    def announce(self, topic: Topic, *, by: str) -> None:
        """This has changed: wake the objects that refer to it, but for the one that changed it."""
        entry = self._entries.get(topic)
        if entry is None:
            return
        entry.announced = time.monotonic()
        for uid in entry.objects - {by}:
            self._wake(uid)

    def note(self, topic: Topic, *, missing: bool, by: str) -> None:
        """This object could not find that, or has found it: then it is announced to those that could not, once."""
        entry = self._entries.get(topic)
        if entry is None:
            return
        arrived = entry.missing and not missing
        entry.missing = missing
        if arrived:
            self.announce(topic, by=by)

    def announced(self, topic: Topic) -> float:
        """When this changed last (``time.monotonic``), as far as somebody referred to it then; else 0."""
        entry = self._entries.get(topic)
        return 0.0 if entry is None else entry.announced

    def __len__(self) -> int:
        """How many topics are referred to."""
        return len(self._entries)


def registered_model(registry: str, name: str) -> Topic:
    """A model and its versions and aliases, in the registry at this address."""
    return Topic("RegisteredModel", registry, name)


def secret(namespace: str, name: str) -> Topic:
    """A Secret with a connection."""
    return Topic("Secret", namespace, name)


def the_object(kind: str, namespace: str, name: str) -> Topic:
    """An object of one of our kinds."""
    return Topic(kind, namespace, name)


def changed_models(place: Place, done: Sequence[Effect]) -> Iterator[Topic]:
    """Models that got a version or an alias by these effects."""
    for effect in done if place.registry is not None else ():
        if isinstance(effect, CreateVersion) or (isinstance(effect, WriteRegistry) and effect.alias is not None):
            yield registered_model(place.registry or "", effect.model)
