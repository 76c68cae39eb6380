"""The model registry (MLflow), and how to log in to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Connection", "Held", "ModelVersion", "Registry"]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a registry is and how to log in. ``repr`` never shows credentials.

    Only the operator's default connection may carry credentials of the operator itself; a connection read from a
    Secret of the object's namespace carries what that Secret holds, and nothing else is ever sent to its address.
    """

    url: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ca: str | None = field(default=None, repr=False)
    """Certificates of a private authority (PEM), trusted beside the public ones."""
    workspace: str | None = None
    """The workspace of MLflow that names are looked up in; None: the server's default one."""
    namespace: str | None = field(default=None, compare=False, kw_only=True)
    """Whose Secret named it, None for the operator's own. Namespaces that name the same registry share its polls."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model version, pinned: what the registry said, and the digest of its artifacts.

    ``digest`` is ``sha256:<hex>`` over all files (see :mod:`rollmodel.api.fields.digest`); ``source`` is the artifact
    URI that a pod fetches; ``size_bytes`` is the sum of the file sizes.
    """

    name: str
    version: str
    source: str
    digest: str
    size_bytes: int
    run_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None
    """What people should know about how it was found."""


@dataclass(frozen=True, slots=True)
class Held:
    """The model ``version`` that an object's status speaks of, first seen by us at ``since`` (``time.monotonic``).

    The operator that wrote it, maybe another one, knew the alias then: our answers from before are outdated.
    """

    version: str
    since: float


class Registry(Protocol):
    """The model registry (MLflow)."""

    async def resolve(
        self,
        connection: Connection,
        name: str,
        *,
        version: str | None,
        alias: str | None,
        held: Held | None = None,
        not_before: float = 0.0,
    ) -> ModelVersion:
        """Pin an alias or a version. Raises NotFound, Forbidden, Unavailable, Invalid with the fix in the message.

        An answer about an alias that contradicts what is ``held``, and is older, is asked for anew; so is any answer
        to a question that was put before ``not_before`` (``time.monotonic``).
        """
        ...

    def follow(self, connection: Connection, name: str, alias: str, wake: Any) -> Any:
        """Poll one alias on behalf of everybody who follows it; call ``wake()`` when its version changes.

        One query per (connection, name, alias) and interval, however many follow. Returns a handle with ``close()`` and
        ``read_at``: when the last question was put that was answered (``time.monotonic``).
        """
        ...

    def abandon(self, connection: Connection) -> None:
        """Nobody may use this login any more: end what is read with it beside the passes."""
        ...

    async def set_alias(
        self, connection: Connection, name: str, alias: str, version: str, *, owner: str | None = None
    ) -> None:
        """Move an alias. Idempotent. ``owner`` is the namespace in whose name; None: nobody is asked whose it is.

        Raises Forbidden (``OwnedByAnother``) where another namespace moved it first.
        """
        ...

    async def set_tags(self, connection: Connection, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set tags on a model version. Idempotent."""
        ...
