"""Secrets that specs name: a server's address and login, for a registry (``connectionRef``) or a receiver of news.

They are those of the object's own namespace, and the operator may read one only where a Role there says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rollmodel.api.fields.uris import server_url
from rollmodel.errors import Forbidden, Invalid, NotFound
from rollmodel.plan.access.hosts import check_host
from rollmodel.ports.kubernetes import Kube
from rollmodel.tls import check_ca

__all__ = ["NamedServer", "Reasons", "UserSecrets"]


@dataclass(frozen=True, slots=True)
class Reasons:
    """What an error is called; None: as errors of its class are."""

    missing: str | None = None
    forbidden: str | None = None
    invalid: str | None = None


@dataclass(frozen=True, slots=True)
class NamedServer:
    """What a Secret says: ``url``, the certificates of a private authority, if any, and the rest by key."""

    url: str
    ca: str | None
    data: Mapping[str, str] = field(repr=False)

    def text(self, key: str) -> str | None:
        """The value of a key; None where it is absent or blank."""
        return self.data.get(key, "").strip() or None


class UserSecrets:
    """Reads the Secrets that one ``field`` of specs names; ``form`` is how their key ``url`` looks.

    ``hosts``: patterns of the hosts that they may name; none: any.
    """

    def __init__(
        self, kube: Kube, field: str, form: str, *, hosts: Sequence[str] = (), reasons: Reasons | None = None
    ) -> None:
        self._kube = kube
        self._field = field
        self._form = form
        self._hosts = hosts
        self._reasons = reasons or Reasons()

    async def read(self, namespace: str, name: str) -> NamedServer:
        """The server that this Secret names. Raises NotFound, Forbidden or Invalid with the fix in the message."""
        try:
            data = await self._kube.read_secret(namespace, name)
        except NotFound:
            message = f"Secret {name!r} of `{self._field}` does not exist"
            raise NotFound(message, reason=self._reasons.missing) from None
        except Forbidden:
            message = (
                f"the operator may not read Secret {name!r}: create a Role in namespace {namespace!r} that grants `get`"
                " on it, and bind it to the operator's service account (config/examples/connection-secrets.yaml)"
            )
            raise Forbidden(message, reason=self._reasons.forbidden) from None
        server = self._server(name, data)
        check_host(name, server.url, self._hosts)
        return server

    def _server(self, name: str, data: Mapping[str, str]) -> NamedServer:
        try:
            url = server_url(data.get("url", ""))
        except ValueError:
            message = f"Secret {name!r} must have a key `url` with {self._form} and no user in it"
            raise Invalid(message, reason=self._reasons.invalid) from None
        ca = data.get("ca", "").strip()
        try:
            return NamedServer(url, check_ca(ca) if ca else None, data)
        except ValueError as error:
            raise Invalid(f"key `ca` of Secret {name!r} {error}", reason=self._reasons.invalid) from None
