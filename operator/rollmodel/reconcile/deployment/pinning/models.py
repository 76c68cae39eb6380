"""Pin the model that a spec asks for: which version, at which digest, fetched from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rollmodel.api.base import LocalRef
from rollmodel.api.modeldeployment import ModelSource, RegistrySource
from rollmodel.errors import Forbidden, NotFound, RollmodelError
from rollmodel.plan.access.tenancy import Tenancy
from rollmodel.plan.deployment.observed import PinnedModel
from rollmodel.plan.pods.spec import IN_MLFLOW
from rollmodel.plan.problem import Problem
from rollmodel.ports.registry import Held, Registry
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.deployment.pinning.followed_aliases import FollowedAliases, Topic
from rollmodel.reconcile.deployment.pinning.logins import Logins
from rollmodel.reconcile.deployment.pinning.pinned import pinned_files, pinned_version, registered
from rollmodel.reconcile.references import References, registered_model

__all__ = ["Models"]


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
        self._tenancy = tenancy or Tenancy()
        self._logins = Logins(registry, connections)
        self._followed = FollowedAliases(registry, connections, wake)
        self._champions = FollowedAliases(registry, connections, wake)

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
        return self._followed.was_read(uid, since)

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
            connection = await self._logins.connect(uid, namespace, source.connection_ref)
            self._champions.follow(uid, Topic(connection, registry.name, alias, namespace, source.connection_ref))
            found = await self._registry.resolve(connection, registry.name, version=None, alias=alias)
        except NotFound:
            return model
        except RollmodelError as error:
            return Problem.of(error)
        if found.version == model.version:
            return model
        return replace(pinned_version(connection, source.connection_ref, found), tried_next=model.version)

    def follow_no_champion(self, uid: str) -> None:
        """Something serves: which version is the champion says nothing about it."""
        self._champions.follow(uid, None)

    def forget(self, uid: str) -> None:
        """Stop following on behalf of this object."""
        self._followed.follow(uid, None)
        self._champions.follow(uid, None)
        self._logins.drop(uid)

    def changed_secret(self, uid: str) -> str | None:
        """The name of the Secret whose login has changed since the last pass over this object; says it once."""
        return self._logins.changed_secret(uid)

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
        connection = await self._logins.connect(uid, namespace, secret)
        if secret is None:
            self._tenancy.check(namespace, models=[source.name], aliases=[source.alias, source.champion_alias])
        topic = Topic(connection, source.name, source.alias, namespace, secret) if source.alias else None
        self._followed.follow(uid, topic)
        changed = self._references.announced(registered_model(connection.url, source.name))
        model = await self._registry.resolve(
            connection,
            source.name,
            version=source.version,
            alias=source.alias,
            held=held,
            not_before=max(changed, not_before),
        )
        return pinned_version(connection, secret, model)

    async def _by_uri(self, namespace: str, source: ModelSource) -> PinnedModel:
        pinned = pinned_files(source)
        if pinned.connection_secret or not pinned.uri.startswith(IN_MLFLOW):
            return pinned
        return replace(pinned, registry_url=(await self._connections.find(namespace, None)).url)
