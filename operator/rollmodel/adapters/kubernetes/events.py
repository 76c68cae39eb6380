"""Kubernetes Events, with repetitions counted instead of piled up.

A message that was said before becomes ``count`` and ``lastTimestamp`` of the Event that is already there, as
client-go's correlator does it.
"""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import MERGE_PATCH, ApiServer
from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.errors import NotFound, RollmodelError
from rollmodel.plan.decision import Event
from rollmodel.plan.manifest import Manifest
from rollmodel.text import plain

__all__ = ["Events"]

_log = logging.getLogger(__name__)
_EVENTS = resource_of("v1", "Event")
_REMEMBERED = 1024
#: The API server's own limit of an Event's message.
_MESSAGE_LIMIT = 1024
_NAME_LIMIT = 253

#: UID of the object, and what was said about it.
_Key = tuple[str, Event]


@dataclass(slots=True)
class _Posted:
    name: str
    count: int = 1


class Events:
    """Posts Events; never raises."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._posted: OrderedDict[_Key, _Posted] = OrderedDict()

    async def post(self, involved: Manifest, event: Event) -> None:
        """Say something about an object, once or once more."""
        key = (involved["metadata"]["uid"], event)
        try:
            if not await self._repeat(key, involved["metadata"]["namespace"]):
                await self._create(key, involved)
        except RollmodelError as error:
            _log.warning("an Event could not be posted: %s: %s (%s)", event.reason, event.message, error)

    async def _repeat(self, key: _Key, namespace: str) -> bool:
        """Count an Event that we posted before. False where there is none, or where it has expired."""
        posted = self._posted.get(key)
        if posted is None:
            return False
        patch = {"count": posted.count + 1, "lastTimestamp": _now()}
        try:
            path = _EVENTS.path(namespace, posted.name)
            await self._api.request("PATCH", path, body=patch, content_type=MERGE_PATCH)
        except NotFound:
            del self._posted[key]
            return False
        posted.count += 1
        return True

    async def _create(self, key: _Key, involved: Manifest) -> None:
        manifest = _manifest(involved, key[1])
        await self._api.request("POST", _EVENTS.path(involved["metadata"]["namespace"]), body=manifest)
        self._posted[key] = _Posted(manifest["metadata"]["name"])
        if len(self._posted) > _REMEMBERED:
            self._posted.popitem(last=False)


def _manifest(involved: Manifest, event: Event) -> dict[str, Any]:
    meta, now = involved["metadata"], _now()
    suffix = secrets.token_hex(8)
    message = plain(event.message)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{meta['name'][: _NAME_LIMIT - 1 - len(suffix)]}.{suffix}",
            "namespace": meta["namespace"],
        },
        "involvedObject": {
            "apiVersion": involved["apiVersion"],
            "kind": involved["kind"],
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "resourceVersion": meta.get("resourceVersion"),
        },
        "type": event.type,
        "reason": event.reason,
        "message": message if len(message) <= _MESSAGE_LIMIT else f"{message[: _MESSAGE_LIMIT - 3]}...",
        "source": {"component": "rollmodel"},
        "reportingComponent": "rollmodel",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
