"""Which registry an object talks to: the operator's own, or one that a Secret of the object's namespace names.

The two never mix: a connection from a Secret carries only what that Secret holds, so the operator's credentials are
never sent to an address that a user chose.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollmodel.api.base import LocalRef
from rollmodel.api.uris import server_url
from rollmodel.errors import Forbidden, Invalid, NotFound
from rollmodel.plan.access.hosts import check_host
from rollmodel.ports import Connection, Kube
from rollmodel.tls import check_ca

__all__ = ["Connections"]

#: How long a Secret that was read is believed, in seconds; a login that the registry refuses ends it at once. About as
#: long as an alias is: who takes a Secret or the right on it away has not to wait for long. Read in passes only.
BELIEVED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Read:
    connection: Connection
    until: float


class Connections:
    """Finds connections; remembers those from Secrets for a while, so that a pass at rest costs no request."""

    def __init__(
        self, kube: Kube, *, default: Connection | None, read_secrets: bool, hosts: Sequence[str] = ()
    ) -> None:
        """``hosts``: patterns of the hosts that Secrets may name; none: any."""
        self._kube = kube
        self._default = default
        self._read_secrets = read_secrets
        self._hosts = hosts
        self._read: dict[tuple[str, str], _Read] = {}

    async def find(self, namespace: str, reference: LocalRef | None) -> Connection:
        """The registry of an object. Raises Invalid, NotFound or Forbidden with the fix in the message."""
        if reference is None:
            return self._operators_own()
        if not self._read_secrets:
            raise Forbidden("this operator does not read connection Secrets: leave out `connectionRef`")
        key = (namespace, reference.name)
        read = self._read.get(key)
        if read is None or read.until < time.monotonic():
            read = _Read(await self._from_secret(*key), time.monotonic() + BELIEVED_SECONDS)
            self._read[key] = read
        return read.connection

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

    def _operators_own(self) -> Connection:
        if self._default is None:
            raise Invalid("the operator has no registry of its own: set `connectionRef`", reason="NoRegistry")
        return self._default

    async def _from_secret(self, namespace: str, name: str) -> Connection:
        try:
            data = await self._kube.read_secret(namespace, name)
        except NotFound:
            raise NotFound(f"Secret {name!r} of `connectionRef` does not exist", reason="ConnectionNotFound") from None
        except Forbidden:
            raise Forbidden(
                f"the operator may not read Secret {name!r}: create a Role in namespace {namespace!r} that grants `get`"
                " on it, and bind it to the operator's service account (config/examples/connection-secrets.yaml)",
                reason="ConnectionForbidden",
            ) from None
        found = _connection(namespace, name, data)
        check_host(name, found.url, self._hosts)
        return found


def _connection(namespace: str, secret: str, data: Mapping[str, str]) -> Connection:
    try:
        url = server_url(data.get("url", ""))
    except ValueError:
        message = f"Secret {secret!r} must have a key `url` with http(s)://host[:port] and no user in it"
        raise Invalid(message, reason="ConnectionInvalid") from None
    username, password, token = (data.get(key, "").strip() or None for key in ("username", "password", "token"))
    ca = data.get("ca", "").strip() or None
    try:
        ca = check_ca(ca) if ca else None
    except ValueError as error:
        raise Invalid(f"key `ca` of Secret {secret!r} {error}", reason="ConnectionInvalid") from None
    workspace = data.get("workspace", "").strip() or None
    return Connection(url, username, password, token, ca, workspace, namespace=namespace)
