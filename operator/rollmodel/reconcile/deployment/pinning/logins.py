"""With which login each object asks its registry. What still goes on with one that nobody uses any more, ends."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollmodel.api.base import LocalRef
from rollmodel.errors import Terminal
from rollmodel.ports.registry import Connection, Registry
from rollmodel.reconcile.connections import Connections

__all__ = ["Logins"]


@dataclass(frozen=True, slots=True)
class _Login:
    secret: str
    connection: Connection
    changed: bool = False
    """It is another one than before, and nobody was told yet."""


class Logins:
    """Logins from Secrets, by object. The operator's own is nobody's."""

    def __init__(self, registry: Registry, connections: Connections) -> None:
        self._registry = registry
        self._connections = connections
        self._logins: dict[str, _Login] = {}

    async def connect(self, uid: str, namespace: str, secret: LocalRef | None) -> Connection:
        """The registry of this object. Raises what :meth:`Connections.find` does."""
        try:
            connection = await self._connections.find(namespace, secret)
        except Terminal:
            self.drop(uid)
            raise
        before = self._logins.get(uid)
        if secret is None:
            self.drop(uid)
        elif before is None or (before.secret, before.connection) != (secret.name, connection):
            self.drop(uid)
            changed = before is not None and before.secret == secret.name
            self._logins[uid] = _Login(secret.name, connection, changed)
        return connection

    def drop(self, uid: str) -> None:
        """This object does not use its login any more; where nobody else has the same one, nor does anything else."""
        login = self._logins.pop(uid, None)
        if login is not None and all(other.connection != login.connection for other in self._logins.values()):
            self._registry.abandon(login.connection)

    def changed_secret(self, uid: str) -> str | None:
        """The name of the Secret whose login has changed since the last pass over this object; says it once."""
        login = self._logins.get(uid)
        if login is None or not login.changed:
            return None
        self._logins[uid] = replace(login, changed=False)
        return login.secret
