"""The Kubernetes API as ``ports.Kube``: reads from the watch cache; its writes are :class:`GuardedWrites`."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import METADATA, TABLE, ApiServer
from rollmodel.adapters.kubernetes.events import Events
from rollmodel.adapters.kubernetes.guarded_writes import GuardedWrites
from rollmodel.adapters.kubernetes.kinds import (
    CHILDREN,
    DRIFT_POLICIES,
    OWNERS,
    ROUTES,
    WORKLOADS,
    Resource,
    path_of,
    resource_of,
)
from rollmodel.adapters.kubernetes.trimmed import of_pod, of_route
from rollmodel.adapters.kubernetes.watches.reflector import Reflector
from rollmodel.adapters.kubernetes.watches.store import ChildStore
from rollmodel.adapters.kubernetes.workloads import Workloads
from rollmodel.backoff import Backoff
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError
from rollmodel.plan.access.ownership import identity_of
from rollmodel.plan.decision import Event, Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.naming import FIELD_MANAGER, MANAGED_BY

__all__ = ["SELECTOR", "Kubernetes"]

_log = logging.getLogger(__name__)

SELECTOR = f"{MANAGED_BY}={FIELD_MANAGER}"


class Kubernetes(GuardedWrites):
    """Implements :class:`rollmodel.ports.Kube`. ``wake(owner_uid)`` is called when a child of that owner changed.

    ``namespaces`` empty means the whole cluster; kinds in ``without`` are treated as if they were not installed.
    :meth:`run` must be running for :meth:`children` to be true.
    """

    def __init__(
        self,
        api: ApiServer,
        *,
        wake: Callable[[str], None],
        namespaces: Sequence[str] = (),
        without: Collection[Resource] = (),
    ) -> None:
        super().__init__(api, ChildStore(wake))
        self._without = without
        self._namespaces = namespaces
        self._events = Events(api)
        self._workloads = Workloads(api)
        self._watches = [
            Reflector(api, resource, namespace, selector=SELECTOR, children=self._children)
            for resource in CHILDREN
            if resource not in without
            for namespace in (namespaces or (None,))
        ]

    async def run(self) -> None:
        """Keep the cache of children true until cancelled."""
        await self._adopt_all()
        async with asyncio.TaskGroup() as tasks:
            for watch in self._watches:
                tasks.create_task(watch.run(), name=f"watch {watch.resource.plural}")

    async def _adopt_all(self) -> None:
        """Find out which owners exist, before their children are listed."""
        backoff = Backoff(first=0.5, cap=30.0)
        for resource in OWNERS:
            for namespace in self._namespaces or (None,):
                while True:
                    try:
                        await self._adopt(resource, namespace)
                        break
                    except NotFound:  # the kind is not installed
                        break
                    except RollmodelError as error:
                        _log.warning("listing %s: %s", resource.plural, error)
                        await asyncio.sleep(backoff.next())

    async def _adopt(self, resource: Resource, namespace: str | None) -> None:
        async with aclosing(self._api.paged(resource.path(namespace), accept=METADATA)) as pages:
            async for page in pages:
                for item in page["items"] or ():  # an empty list of metadata has null
                    self.adopt({**item, "apiVersion": resource.api_version, "kind": resource.kind})

    async def listed(self) -> None:
        """Wait until the cache of children is complete for the first time."""
        for watch in self._watches:
            await watch.listed.wait()

    @property
    def complete(self) -> bool:
        """Whether the cache of children has been filled once."""
        return all(watch.listed.is_set() for watch in self._watches)

    def silence(self) -> float:
        """Seconds since the watch that is silent for longest heard anything; kinds that are absent do not count."""
        return max((time.monotonic() - w.heard for w in self._watches if not w.absent), default=0.0)

    def stillness(self) -> float:
        """Seconds since the watch that is still for longest did anything, if only to try and fail."""
        return max((time.monotonic() - w.stirred for w in self._watches if not w.absent), default=0.0)

    @property
    def gateway_available(self) -> bool:
        """Whether HTTPRoutes can be made: the API server serves them, and they are not switched off."""
        return ROUTES not in self._without and not any(
            watch.absent for watch in self._watches if watch.resource is ROUTES
        )

    def serves(self, kind: str) -> bool:
        """Whether objects of this kind of children can be made: served, not switched off, and we have the right."""
        return any(watch.resource.kind == kind and not watch.absent for watch in self._watches)

    def adopt(self, owner: Manifest) -> None:
        """This object exists: keep its children."""
        self._children.adopt(identity_of(owner))

    def disown(self, owner: Manifest) -> None:
        """This object is gone: keep its children no more."""
        self._children.disown(identity_of(owner))

    def children(self, owner: Manifest) -> Sequence[dict[str, Any]]:
        """What this object controls, from the cache."""
        return self._children.of(identity_of(owner))

    async def list_pods(self, namespace: str, labels: Mapping[str, str]) -> Sequence[dict[str, Any]]:
        """Pods with all these labels, from the API server's own cache: a moment old at most, and cheap for it."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        query = {"labelSelector": selector, "resourceVersion": "0"}
        return await self._api.pages(resource_of("v1", "Pod").path(namespace), query, keep=of_pod)

    async def models(self) -> AsyncIterator[Manifest]:
        """All ModelDeployments where we work, page by page: together they may be large."""
        for namespace in self._namespaces or (None,):
            async with aclosing(self._api.paged(OWNERS[0].path(namespace), limit=250)) as pages:
                async for page in pages:
                    for item in page["items"]:
                        yield item

    async def list_other_routes(self) -> Sequence[Manifest]:
        """HTTPRoutes without our label, of the namespaces that we work in; none where nobody serves the kind."""
        if not self.gateway_available:
            return ()
        query = {"labelSelector": f"{MANAGED_BY}!={FIELD_MANAGER}", "resourceVersion": "0"}
        return [
            route
            for namespace in (self._namespaces or (None,))
            for route in await self._api.pages(ROUTES.path(namespace), query, keep=of_route)
        ]

    def users_route(self, owner: Manifest, name: str) -> dict[str, Any] | None:
        """The HTTPRoute of somebody else that has our label, from the cache; the owner is woken when it changes."""
        ref = Ref(ROUTES.api_version, ROUTES.kind, owner["metadata"]["namespace"], name)
        return self._children.foreign_routes.find(ref, owner["metadata"]["uid"])

    async def list_drift_policies(self, namespace: str) -> Sequence[dict[str, Any]]:
        """DriftPolicies of a namespace. Without a resourceVersion, so nothing older than the last write."""
        return await self._api.pages(DRIFT_POLICIES.path(namespace), {})

    async def list_refusals(self, namespace: str, uid: str) -> Sequence[str]:
        """Why pods of this object could not be created, newest first, as its controller says in Events."""
        query = {"fieldSelector": f"involvedObject.uid={uid},reason=FailedCreate"}
        try:
            events = await self._api.pages(resource_of("v1", "Event").path(namespace), query)
        except Forbidden:  # a role of an earlier release
            return ()
        events.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "", reverse=True)
        return [str(event.get("message") or "") for event in events]

    async def list_workloads(self, namespace: str) -> Sequence[dict[str, Any]] | None:
        """Kueue's Workloads of a namespace; None where Kueue is not installed or switched off."""
        return None if WORKLOADS in self._without else await self._workloads.list(namespace)

    async def event(self, involved: Manifest, event: Event) -> None:
        """Post an Event about an object; a failure is logged."""
        await self._events.post(involved, event)

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str]:
        """The decoded data of a Secret. NotFound, Forbidden, or Invalid where a value is not text."""
        secret = await self._api.request("GET", path_of(Ref("v1", "Secret", namespace, name)))
        try:
            return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
        except (binascii.Error, UnicodeDecodeError):
            raise Invalid(f"Secret {name} holds a value that is not text") from None

    async def secret_version(self, namespace: str, name: str) -> str:
        """The resourceVersion of a Secret, from an answer that holds its name, type and number of keys beside it."""
        path = path_of(Ref("v1", "Secret", namespace, name))
        answer = await self._api.request("GET", path, query={"includeObject": "None"}, accept=TABLE)
        if answer.get("kind") != "Table":
            raise Invalid("the Kubernetes API cannot answer with a Table")
        return str(answer["metadata"]["resourceVersion"])
