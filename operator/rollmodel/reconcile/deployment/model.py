"""Pin the model that a spec asks for: which version, at which digest, fetched from where."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rollmodel.api.base import LocalRef
from rollmodel.api.fields.schemes import MODELS
from rollmodel.api.modeldeployment import ModelSource, RegistrySource
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError, Terminal
from rollmodel.plan.access.tenancy import Tenancy
from rollmodel.plan.deployment.observed import PinnedModel
from rollmodel.plan.deployment.strategies.ends.outbox import is_verdict_tag
from rollmodel.plan.pods.spec import IN_MLFLOW, image_of
from rollmodel.plan.problem import Problem
from rollmodel.ports.registry import Connection, Held, ModelVersion, Registry
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.references import References, registered_model

__all__ = ["Models", "registered"]

_REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)/(?P<version>[1-9][0-9]*)")

#: Where a version may say that its files lie, if pods are to ask there: below MLflow's own proxy, or its logged models.
_FILES = re.compile(r"(mlflow-artifacts:|runs:/[0-9a-f]{32}|models:/m-[0-9a-f]+)(/[^/\s?#%]+)*")
_FILES_LIMIT = 1024

#: More of a tag is not read.
_TAG_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class _Topic:
    """An alias, and whose login it is asked for with: that of a Secret of this namespace, or the operator's own."""

    connection: Connection
    model: str
    alias: str
    namespace: str
    secret: LocalRef | None


@dataclass(frozen=True, slots=True)
class _Following:
    topic: _Topic
    handle: Any
    forget_secret: Callable[[], None]

    def close(self) -> None:
        """Ask nothing any more."""
        self.handle.close()
        self.forget_secret()


@dataclass(frozen=True, slots=True)
class _Login:
    secret: str
    connection: Connection
    changed: bool = False
    """It is another one than before, and nobody was told yet."""


class Models:
    """Pins models, and follows the aliases that objects name: ``wake(uid)`` is called when one moved."""

    def __init__(
        self,
        registry: Registry,
        connections: Connections,
        references: References,
        wake: Callable[[str], None],
        tenancy: Tenancy | None = None,
    ) -> None:
        self._registry = registry
        self._connections = connections
        self._references = references
        self._wake = wake
        self._tenancy = tenancy or Tenancy()
        self._following: dict[str, _Following] = {}
        self._champions: dict[str, _Following] = {}
        self._logins: dict[str, _Login] = {}

    async def pin(
        self, uid: str, namespace: str, source: ModelSource, held: Held | None = None, *, not_before: float = 0.0
    ) -> PinnedModel | Problem:
        """The pinned model of an object, or why there is none; ``held`` is what its status speaks of, and since when.

        An answer from before ``not_before`` is asked for anew. Never raises errors of ours.
        """
        try:
            registry = registered(source)
            if registry is None:
                self.forget(uid)
                return await self._by_uri(namespace, source)
            return await self._resolve(
                uid, namespace, registry, source.connection_ref, held=held, not_before=not_before
            )
        except RollmodelError as error:
            if isinstance(error, Forbidden):
                self._connections.invalidate(namespace, source.connection_ref)
            return Problem.of(error)

    def was_read(self, uid: str, since: float) -> bool:
        """Whether the alias was looked up after this moment; where none is followed the spec itself says it all."""
        following = self._following.get(uid)
        return following is None or bool(following.handle.read_at >= since)

    async def champion_first(
        self, uid: str, namespace: str, source: ModelSource, model: PinnedModel | Problem
    ) -> PinnedModel | Problem:
        """What to install where nothing serves: the version that ``championAlias`` names, if any, else ``model``.

        Without an answer about the champion nothing is installed. Never raises errors of ours.
        """
        registry = source.registry
        alias = registry.champion_alias if registry is not None else None
        if registry is None or alias is None or isinstance(model, Problem):
            self.follow_no_champion(uid)
            return model
        try:
            connection = await self._connect(uid, namespace, source.connection_ref)
            topic = _Topic(connection, registry.name, alias, namespace, source.connection_ref)
            self._follow(self._champions, uid, topic)
            found = await self._registry.resolve(connection, registry.name, version=None, alias=alias)
        except NotFound:
            return model
        except RollmodelError as error:
            return Problem.of(error)
        if found.version == model.version:
            return model
        return replace(_pinned(connection, source.connection_ref, found), tried_next=model.version)

    def follow_no_champion(self, uid: str) -> None:
        """Something serves: which version is the champion says nothing about it."""
        self._follow(self._champions, uid, None)

    def forget(self, uid: str) -> None:
        """Stop following on behalf of this object."""
        self._follow(self._following, uid, None)
        self._follow(self._champions, uid, None)
        self._drop_login(uid)

    def changed_secret(self, uid: str) -> str | None:
        """The name of the Secret whose login has changed since the last pass over this object; says it once."""
        login = self._logins.get(uid)
        if login is None or not login.changed:
            return None
        self._logins[uid] = replace(login, changed=False)
        return login.secret

    async def _connect(self, uid: str, namespace: str, secret: LocalRef | None) -> Connection:
        """The registry of this object. What is still done with a login that it does not use any more, ends."""
        try:
            connection = await self._connections.find(namespace, secret)
        except Terminal:
            self._drop_login(uid)
            raise
        before = self._logins.get(uid)
        if secret is None:
            self._drop_login(uid)
        elif before is None or (before.secret, before.connection) != (secret.name, connection):
            self._drop_login(uid)
            changed = before is not None and before.secret == secret.name
            self._logins[uid] = _Login(secret.name, connection, changed)
        return connection

    def _drop_login(self, uid: str) -> None:
        """This object does not use its login any more; where nobody else has the same one, nor does anything else."""
        login = self._logins.pop(uid, None)
        if login is not None and all(other.connection != login.connection for other in self._logins.values()):
            self._registry.abandon(login.connection)

    async def _resolve(
        self,
        uid: str,
        namespace: str,
        source: RegistrySource,
        secret: LocalRef | None,
        *,
        held: Held | None,
        not_before: float,
    ) -> PinnedModel:
        connection = await self._connect(uid, namespace, secret)
        if secret is None:
            self._tenancy.check(namespace, models=[source.name], aliases=[source.alias, source.champion_alias])
        topic = _Topic(connection, source.name, source.alias, namespace, secret) if source.alias else None
        self._follow(self._following, uid, topic)
        changed = self._references.announced(registered_model(connection.url, source.name))
        model = await self._registry.resolve(
            connection,
            source.name,
            version=source.version,
            alias=source.alias,
            held=held,
            not_before=max(changed, not_before),
        )
        return _pinned(connection, secret, model)

    async def _by_uri(self, namespace: str, source: ModelSource) -> PinnedModel:
        if source.uri is None or source.digest is None:
            message = (
                "`uri` needs `digest` beside it (`rollmodel digest PATH` prints it): files are verified before use"
            )
            raise Invalid(message, reason="DigestMissing")
        if not source.uri.startswith(MODELS):
            raise Invalid(
                f"`uri` must begin with one of {', '.join(MODELS)}: nothing else is read", reason="Unsupported"
            )
        if source.uri.startswith("oci://") and image_of(source.uri) is None:
            raise Invalid(
                "`uri` must name the image by its digest (`oci://HOST/NAME@sha256:DIGEST`): behind a tag it moves",
                reason="Unsupported",
            )
        secret = source.connection_ref.name if source.connection_ref else None
        pinned = PinnedModel(uri=source.uri, digest=source.digest, connection_secret=secret)
        if secret or not source.uri.startswith(IN_MLFLOW):
            return pinned
        return replace(pinned, registry_url=(await self._connections.find(namespace, None)).url)

    def _follow(self, followed: dict[str, _Following], uid: str, topic: _Topic | None) -> None:
        """Follow this alias, and no other that was followed for the same purpose."""
        following = followed.get(uid)
        if following is not None:
            if following.topic == topic:
                return
            followed.pop(uid).close()
        if topic is None:
            return

        def lost() -> None:
            """The Secret says something else, or nothing: the alias is asked for with its login no more."""
            if uid in followed and followed[uid].topic is topic:
                followed.pop(uid).close()
            self._wake(uid)

        handle = self._registry.follow(topic.connection, topic.model, topic.alias, lambda: self._wake(uid))
        forget = self._connections.follow(topic.namespace, topic.secret, topic.connection, lost)
        followed[uid] = _Following(topic, handle, forget)


def _pinned(connection: Connection, secret: LocalRef | None, model: ModelVersion) -> PinnedModel:
    tags = {key: str(model.tags[key])[:_TAG_LIMIT] for key in sorted(filter(is_verdict_tag, model.tags))}
    return PinnedModel(
        uri=f"models:/{model.name}/{model.version}",
        digest=model.digest,
        name=model.name,
        version=model.version,
        connection_secret=secret.name if secret else None,
        registry_url=None if secret else connection.url,
        files=_files(model.source),
        size_bytes=model.size_bytes,
        tags=tags or None,
        note=model.note,
    )


def _files(source: str) -> str | None:
    """The address of the files, where it is one of MLflow's own that names no version; None: by name and version.

    A version can be deleted and a model renamed while pods that serve it start again. The digest decides all the same.
    """
    found = source.rstrip("/")
    safe = len(found) <= _FILES_LIMIT and ".." not in found.split("/")
    return found if safe and _FILES.fullmatch(found) else None


def registered(source: ModelSource) -> RegistrySource | None:
    """The registered model that the source names, be it as ``registry`` or as ``uri: models:/<name>/<version>``."""
    if source.registry is not None:
        return source.registry
    named = _REGISTERED.fullmatch(source.uri or "")
    return RegistrySource(name=named["name"], version=named["version"]) if named and source.digest is None else None
