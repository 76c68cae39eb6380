"""Aliases that objects follow: whoever follows one is woken when it moves, or when its login is not to be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rollmodel.api.base import LocalRef
from rollmodel.ports.registry import Connection, Registry
from rollmodel.reconcile.connections import Connections

__all__ = ["FollowedAliases", "Topic"]


@dataclass(frozen=True, slots=True)
class Topic:
    """An alias, and whose login it is asked for with: that of a Secret of this namespace, or the operator's own."""

    connection: Connection
    model: str
    alias: str
    namespace: str
    secret: LocalRef | None


@dataclass(frozen=True, slots=True)
class _Following:
    topic: Topic
    handle: Any
    forget_secret: Callable[[], None]

    def close(self) -> None:
        """Ask nothing any more."""
        self.handle.close()
        self.forget_secret()


class FollowedAliases:
    """One alias for each object at most, all for the same purpose. ``wake(uid)`` is called when one moved."""

    def __init__(self, registry: Registry, connections: Connections, wake: Callable[[str], None]) -> None:
        self._registry = registry
        self._connections = connections
        self._wake = wake
        self._followed: dict[str, _Following] = {}

    def follow(self, uid: str, topic: Topic | None) -> None:
        """Follow this alias, and none that was followed before."""
        following = self._followed.get(uid)
        if following is not None:
            if following.topic == topic:
                return
            self._followed.pop(uid).close()
        if topic is None:
            return

        def lost() -> None:
            """The Secret says something else, or nothing: the alias is asked for with its login no more."""
            if uid in self._followed and self._followed[uid].topic is topic:
                self._followed.pop(uid).close()
            self._wake(uid)

        handle = self._registry.follow(topic.connection, topic.model, topic.alias, lambda: self._wake(uid))
        forget = self._connections.follow(topic.namespace, topic.secret, topic.connection, lost)
        self._followed[uid] = _Following(topic, handle, forget)

    def was_read(self, uid: str, since: float) -> bool:
        """Whether the alias was looked up after this moment; where none is followed there is nothing to look up."""
        following = self._followed.get(uid)
        return following is None or bool(following.handle.read_at >= since)
