"""Which registry an object talks to: the operator's own, or one that a Secret of the object's namespace names.

The two never mix: a connection from a Secret carries only what that Secret holds, so the operator's credentials are
never sent to an address that a user chose.

A Secret is believed for a moment. While the registry is polled with what it said, it is read again as often: once in
that time for all who follow. So nobody uses for long what was changed, deleted or forbidden, and at rest, where nothing
is polled, nothing is read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rollmodel.api.base import LocalRef
from rollmodel.backoff import spread
from rollmodel.errors import Forbidden, Invalid, RollmodelError, Transient
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.user_secrets import Reasons, UserSecrets
from rollmodel.slots import beside_the_pass

__all__ = ["Connections"]

_log = logging.getLogger(__name__)

#: How long a Secret that was read is believed at most, in seconds; a login that the registry refuses ends it at once.
BELIEVED_SECONDS = 60.0

_REASONS = Reasons(missing="ConnectionNotFound", forbidden="ConnectionForbidden", invalid="ConnectionInvalid")

#: Namespace and name of a Secret.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Read:
    connection: Connection
    until: float


@dataclass(slots=True)
class _Poll:
    task: asyncio.Task[None]
    followers: dict[object, tuple[Connection, Callable[[], None]]] = field(default_factory=dict)


class Connections:
    """Finds connections; remembers those from Secrets for a while, so that a pass at rest costs no request."""

    def __init__(
        self,
        kube: Kube,
        *,
        default: Connection | None,
        read_secrets: bool,
        hosts: Sequence[str] = (),
        seconds: float = 15.0,
    ) -> None:
        """``hosts``: patterns of the hosts that Secrets may name; none: any. ``seconds``: how long one is believed."""
        self._secrets = UserSecrets(kube, "connectionRef", "http(s)://host[:port]", hosts=hosts, reasons=_REASONS)
        self._default = default
        self._read_secrets = read_secrets
        self._seconds = min(seconds, BELIEVED_SECONDS)
        self._read: dict[_Key, _Read] = {}
        self._polls: dict[_Key, _Poll] = {}

    async def find(self, namespace: str, reference: LocalRef | None) -> Connection:
        """The registry of an object. Raises Invalid, NotFound or Forbidden with the fix in the message."""
        if reference is None:
            return self._operators_own()
        if not self._read_secrets:
            raise Forbidden("this operator does not read connection Secrets: leave out `connectionRef`")
        key = (namespace, reference.name)
        if self._left(key) <= 0.0:
            await self._renew(key)
        return self._read[key].connection

    def known(self, namespace: str, reference: LocalRef | None) -> Connection | None:
        """The registry of an object, where that is known without asking."""
        if reference is None:
            return self._default
        read = self._read.get((namespace, reference.name))
        return read.connection if read is not None else None

    def invalidate(self, namespace: str, reference: LocalRef | None) -> None:
        """The registry refused this login: read the Secret again next time."""
        if reference is not None:
            self._read.pop((namespace, reference.name), None)

    def follow(
        self, namespace: str, reference: LocalRef | None, connection: Connection, lost: Callable[[], None]
    ) -> Callable[[], None]:
        """Read the Secret again all the time; call ``lost()`` once it does not give this connection any more.

        Returns what ends it.
        """
        if reference is None:
            return lambda: None
        key, follower = (namespace, reference.name), object()
        poll = self._polls.get(key)
        if poll is None:
            poll = self._polls[key] = _Poll(beside_the_pass(self._keep_reading(key), name=f"read Secret {key}"))
        poll.followers[follower] = connection, lost
        return lambda: self._leave(key, poll, follower)

    def close(self) -> None:
        """Read nothing any more."""
        for poll in self._polls.values():
            poll.task.cancel()
        self._polls.clear()

    def _leave(self, key: _Key, poll: _Poll, follower: object) -> None:
        poll.followers.pop(follower, None)
        if not poll.followers and self._polls.get(key) is poll:
            del self._polls[key]
            poll.task.cancel()

    async def _keep_reading(self, key: _Key) -> None:
        while True:
            await asyncio.sleep(self._left(key))
            if self._left(key) > 0.0:  # a pass has read it meanwhile
                continue
            try:
                await self._renew(key)
            except Transient:
                await asyncio.sleep(spread(self._seconds))
            except RollmodelError:  # who followed was told
                return
            except Exception:  # noqa: BLE001 - a bug, but it must not end the reading
                _log.exception("reading Secret %s of namespace %s: unexpected error", key[1], key[0])
                await asyncio.sleep(spread(self._seconds))

    def _left(self, key: _Key) -> float:
        """Seconds for which the Secret is believed."""
        read = self._read.get(key)
        return 0.0 if read is None else max(0.0, read.until - asyncio.get_running_loop().time())

    async def _renew(self, key: _Key) -> None:
        """Read the Secret, and tell who follows what it said before. An API server that fails takes nothing away."""
        try:
            connection = await self._from_secret(*key)
        except Transient:
            if key not in self._read:
                raise
            connection = self._read[key].connection
        except RollmodelError:
            self._read.pop(key, None)
            self._notify(key, None)
            raise
        until = asyncio.get_running_loop().time() + spread(0.9 * self._seconds)
        self._read[key] = _Read(connection, until)
        self._notify(key, connection)

    def _notify(self, key: _Key, connection: Connection | None) -> None:
        poll = self._polls.get(key)
        if poll is None:
            return
        for follower, (before, lost) in list(poll.followers.items()):
            if before != connection:
                self._leave(key, poll, follower)
                lost()

    def _operators_own(self) -> Connection:
        if self._default is None:
            raise Invalid("the operator has no registry of its own: set `connectionRef`", reason="NoRegistry")
        return self._default

    async def _from_secret(self, namespace: str, name: str) -> Connection:
        server = await self._secrets.read(namespace, name)
        return Connection(
            server.url,
            server.text("username"),
            server.text("password"),
            server.text("token"),
            server.ca,
            server.text("workspace"),
            namespace=namespace,
        )
