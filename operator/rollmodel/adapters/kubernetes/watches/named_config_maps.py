"""ConfigMaps of one name, in all namespaces or in some: listed once, and watched.

The watch asks for one name, so a role may allow it for that name alone (``resourceNames``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.adapters.kubernetes.watches import stream as watching
from rollmodel.backoff import Backoff, spread
from rollmodel.errors import Forbidden, RollmodelError

__all__ = ["NamedConfigMaps"]

_log = logging.getLogger(__name__)
_CONFIG_MAPS = resource_of("v1", "ConfigMap")
#: A right that is missing may come.
_FORBIDDEN_SECONDS = 60.0
_RECONNECT_SECONDS = 1.0


class NamedConfigMaps:
    """``changed(namespace, data)`` is called for each one that is there, and after each change; None: it is gone.

    ``forbidden(message)`` is called where it may not be read, and nothing was read before. ``listed`` is set once it
    is known what there is, or that it may not be known.
    """

    def __init__(
        self,
        api: ApiServer,
        name: str,
        namespaces: Sequence[str],
        *,
        changed: Callable[[str, Mapping[str, str] | None], None],
        forbidden: Callable[[str], None],
    ) -> None:
        self._api = api
        self._selector = {"fieldSelector": f"metadata.name={name}"}
        self._namespaces: Sequence[str | None] = namespaces or (None,)
        self._changed, self._forbidden = changed, forbidden
        self._known: dict[str | None, set[str]] = {}
        self._answered: set[str | None] = set()
        self.listed = asyncio.Event()

    async def run(self) -> None:
        """Follow them until cancelled. An API server that is away is waited for."""
        async with asyncio.TaskGroup() as tasks:
            for namespace in self._namespaces:
                tasks.create_task(self._follow(namespace), name=f"watch rules in {namespace or 'all namespaces'}")

    async def _follow(self, namespace: str | None) -> None:
        backoff = Backoff(first=0.5, cap=30.0)
        while True:
            try:
                version = await self._list(namespace)
                backoff.reset()
                await self._watch(namespace, version)
            except Forbidden as error:
                if namespace not in self._answered:
                    _log.warning("rules of rollouts are not read: %s", error)
                    self._forbidden(str(error))
                self._answer(namespace)
                await asyncio.sleep(_FORBIDDEN_SECONDS)
            except RollmodelError as error:
                _log.warning("watching rules of rollouts: %s", error)
                await asyncio.sleep(backoff.next())

    async def _list(self, namespace: str | None) -> str:
        answer = await self._api.request("GET", _CONFIG_MAPS.path(namespace), query=self._selector)
        found = {one["metadata"]["namespace"]: one.get("data") or {} for one in answer["items"] or ()}
        for gone in self._known.get(namespace, set()) - found.keys():
            self._changed(gone, None)
        for where, data in found.items():
            self._changed(where, data)
        self._known[namespace] = set(found)
        self._answer(namespace)
        version: str = answer["metadata"]["resourceVersion"]
        return version

    async def _watch(self, namespace: str | None, version: str) -> None:
        """Until the server has forgotten what came after a version: then all is listed again."""
        path = _CONFIG_MAPS.path(namespace)
        while True:
            stream = watching.watch(self._api, path, selector=self._selector, version=version)
            async with aclosing(stream) as events:
                async for event in events:
                    if event["type"] == "ERROR":
                        return
                    if event["type"] != "BOOKMARK":
                        self._take(namespace, event["type"] == "DELETED", event["object"])
                    version = event["object"]["metadata"]["resourceVersion"]
            await asyncio.sleep(spread(_RECONNECT_SECONDS))

    def _take(self, namespace: str | None, gone: bool, body: Mapping[str, Any]) -> None:
        where = body["metadata"]["namespace"]
        (self._known[namespace].discard if gone else self._known[namespace].add)(where)
        self._changed(where, None if gone else body.get("data") or {})

    def _answer(self, namespace: str | None) -> None:
        self._answered.add(namespace)
        if self._answered >= set(self._namespaces):
            self.listed.set()
