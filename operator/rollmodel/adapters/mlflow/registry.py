"""MLflow's model registry as ``ports.Registry``, through MLflow's own client.

Each request carries the login of its connection; nothing process-wide is set, so two registries never see each other's
credentials. The client is synchronous, so it runs in threads, and heavy, so it is imported when first needed.
Everything that a registry says is untrusted text: it is passed on, shortened, and never followed elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from rollmodel.adapters.bulkhead import Bulkhead, Lane, on_behalf_of
from rollmodel.adapters.mlflow.alias_poller import AliasPoller, Handle
from rollmodel.adapters.mlflow.artifacts import DIGEST_TAG, Artifacts, Measured
from rollmodel.adapters.mlflow.connection.client import host_of, stranger, translated
from rollmodel.adapters.mlflow.connection.http import Connector
from rollmodel.adapters.mlflow.connection.loading import load
from rollmodel.adapters.mlflow.connection.workspaces import Workspaces, server_info
from rollmodel.adapters.mlflow.digests import Digests
from rollmodel.adapters.mlflow.owners import claim_alias
from rollmodel.adapters.mlflow.version_cache import VersionCache
from rollmodel.errors import Invalid, NotFound, Unavailable
from rollmodel.ports.registry import Connection, Held, ModelVersion

if TYPE_CHECKING:
    from rollmodel.adapters.mlflow.connection.stores import RegistryStore

__all__ = ["Mlflow"]

#: How long a write may take, its wait for a thread and all its requests included, in seconds.
WRITE_SECONDS = 24.0

T = TypeVar("T")

_NUMBER = re.compile(r"[0-9]{1,19}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Version:
    """What the registry says about a version."""

    name: str
    version: str
    source: str
    run_id: str | None
    tags: Mapping[str, str]


class Mlflow:
    """Implements :class:`rollmodel.ports.Registry`. ``timer`` is entered around each request.

    ``poll_seconds`` is how often a followed alias is looked up; models of more than ``hash_limit`` bytes are not read;
    ``timeout`` is how long one request may take, from its beginning to the end of the answer, in seconds.
    """

    def __init__(
        self,
        *,
        poll_seconds: float = 30.0,
        hash_limit: int = 20 * 2**30,
        timeout: float = 10.0,
        timer: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._timer = timer
        self._lanes = Bulkhead("mlflow", threads=12, per_lane=3, initializer=load)
        self._connect = Connector(timeout)
        self._timeout = timeout
        self._digests = Digests(hash_limit)
        self._workspaces = Workspaces(self._server_info)
        self._pinned = VersionCache(self._by_version)
        self._feed: AliasPoller[_Version] = AliasPoller(self._by_alias, interval=poll_seconds)

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
        """Pin an alias or a version."""

        def stale(answer: _Version, looked: float) -> bool:
            return held is not None and answer.version != held.version and looked < held.since

        if alias is not None:
            found = await self._feed.latest(connection, name, alias, stale=stale, not_before=not_before)
        elif version is not None:
            found = await self._pinned.get(connection, name, version)
        else:
            raise Invalid("a registered model is named by `alias` or by `version`")
        measured = await self._measure(connection, found)
        note = None if connection.workspace else await self._workspaces.note(connection)
        return ModelVersion(
            name=found.name,
            version=found.version,
            source=found.source,
            digest=measured.digest,
            size_bytes=measured.size,
            run_id=found.run_id,
            tags=found.tags,
            note=note,
        )

    def follow(self, connection: Connection, name: str, alias: str, wake: Callable[[], None]) -> Handle:
        """Poll one alias on behalf of everybody who follows it."""
        return self._feed.follow(connection, name, alias, wake)

    def abandon(self, connection: Connection) -> None:
        """Nobody may use this login any more: end what is read with it beside the passes."""
        self._digests.abandon(connection)

    async def set_alias(
        self, connection: Connection, name: str, alias: str, version: str, *, owner: str | None = None
    ) -> None:
        """Move an alias, if it is the owner's or nobody's."""

        def write(store: RegistryStore) -> None:
            if owner is not None:
                claim_alias(store, name, alias, owner)
            store.set_registered_model_alias(name, alias, version)

        await self._call(connection, write, seconds=WRITE_SECONDS)

    async def set_tags(self, connection: Connection, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Set tags on a model version."""

        def write(store: RegistryStore) -> None:
            from mlflow.entities.model_registry import ModelVersionTag  # noqa: PLC0415 - heavy

            for key, value in tags.items():
                store.set_model_version_tag(name, version, ModelVersionTag(key, value))

        await self._call(connection, write, seconds=WRITE_SECONDS)
        self._pinned.forget(connection, name, version)

    def close(self) -> None:
        """Stop polling, and let go of threads and sockets."""
        self._feed.close()
        self._workspaces.close()
        self._pinned.close()
        self._digests.close()
        self._lanes.close()
        self._connect.close()

    async def _by_alias(self, connection: Connection, name: str, alias: str) -> _Version:
        try:
            found = await self._call(connection, lambda store: store.get_model_version_by_alias(name, alias))
        except Invalid as error:
            if error.reason != Invalid.default_reason:
                raise
            # HTTP 400 is MLflow's way to say that there is no such alias
            raise NotFound(f"model {name!r} has no alias {alias!r}", reason="AliasNotFound") from error
        return _ready(connection, found, name)

    async def _by_version(self, connection: Connection, name: str, version: str) -> _Version:
        found = await self._call(connection, lambda store: store.get_model_version(name, version))
        return _ready(connection, found, name, version)

    async def _measure(self, connection: Connection, found: _Version) -> Measured:
        """The digest: as the version's tag says, or else of all its files, read once per source."""
        tag = found.tags.get(DIGEST_TAG)
        if tag is not None:
            if not _DIGEST.fullmatch(tag):
                raise Invalid(f"tag {DIGEST_TAG} of {found.name} version {found.version} is not sha256:<64 hex digits>")
            return Measured(tag, 0)
        key = (connection.url, connection.workspace or "", found.name, found.version, found.source)
        return await self._digests.of(key, connection, lambda: self._artifacts(connection, found))

    async def _artifacts(self, connection: Connection, found: _Version) -> Artifacts:
        uri = await self._call(
            connection, lambda store: store.get_model_version_download_uri(found.name, found.version)
        )
        return Artifacts.at(self._connect(connection), str(uri))

    async def _server_info(self, connection: Connection) -> bool | None:
        requests = self._connect(connection)
        try:
            lane, owner = Lane.of(connection), on_behalf_of(connection)
            return await self._lanes.run(lane, lambda: server_info(requests), seconds=self._timeout, owner=owner)
        except TimeoutError:
            return None

    async def _call(
        self, connection: Connection, ask: Callable[[RegistryStore], T], *, seconds: float | None = None
    ) -> T:
        """One request, which may queue as long as it takes; or several that are over after so many ``seconds``."""
        requests = self._connect(connection)

        def work() -> T:
            from rollmodel.adapters.mlflow.connection.stores import RegistryStore  # noqa: PLC0415 - heavy

            with translated(connection):
                return ask(RegistryStore(requests))

        try:
            with self._timer():
                lane, owner = Lane.of(connection), on_behalf_of(connection)
                return await self._lanes.run(lane, work, seconds=seconds or self._timeout, total=seconds, owner=owner)
        except TimeoutError:
            raise Unavailable(f"MLflow at {host_of(connection)} did not answer in time") from None


def _ready(connection: Connection, found: Any, name: str, version: str | None = None) -> _Version:
    """A version that is complete; one that is still being registered is worth waiting for.

    It must be what was asked for: its name and number become arguments of a container.
    """
    number = str(found.version)
    if found.name != name or not _NUMBER.fullmatch(number) or (version is not None and number != version):
        raise stranger(connection)
    title = f"{found.name} version {found.version}"
    match found.status:
        case "READY":
            return _Version(found.name, str(found.version), found.source, found.run_id or None, dict(found.tags))
        case "PENDING_REGISTRATION":
            raise Unavailable(f"{title} is still being registered", reason="VersionPending")
        case _:
            raise Invalid(f"{title} could not be registered: {found.status}", reason="VersionFailed")
