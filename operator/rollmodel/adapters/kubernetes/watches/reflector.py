"""List and watch one kind of child, for ever: the part of client-go's reflector that we need.

The API server filters by label, so what is not ours is never sent. A stream that ends is continued from the last
version seen; one that is too old (410) or that missed something is listed anew.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import ApiServer, Expired
from rollmodel.adapters.kubernetes.kinds import OPTIONAL, Resource
from rollmodel.adapters.kubernetes.watches import stream as watching
from rollmodel.adapters.kubernetes.watches.store import ChildStore, version_of
from rollmodel.backoff import Backoff, spread
from rollmodel.errors import Forbidden, NotFound, RollmodelError, Unavailable
from rollmodel.plan.decision import Ref

__all__ = ["Reflector"]

_log = logging.getLogger(__name__)

#: How often to look whether a kind that was absent has been installed.
ABSENT_SECONDS = 300.0
RECONNECT_SECONDS = 1.0
PAGE = 100


class Reflector:
    """Feeds the cache of children with one kind, of one namespace or of the whole cluster.

    ``listed`` is set once the cache is complete for this kind. ``absent`` is True while the API server does not know
    the kind (Gateway API is an add-on), or does not let us see one that is optional. ``heard`` is when the server last
    said anything, ``stirred`` when the loop last did anything, if only to fail (monotonic seconds).
    """

    def __init__(
        self, api: ApiServer, resource: Resource, namespace: str | None, *, selector: str, children: ChildStore
    ) -> None:
        self.resource = resource
        self.listed = asyncio.Event()
        self.absent = False
        self.heard = self.stirred = time.monotonic()
        self._api = api
        self._namespace = namespace
        self._selector = selector
        self._children = children
        self._version: str | None = None
        self._backoff = Backoff(first=0.5, cap=60.0)

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            self.stirred = time.monotonic()
            try:
                if self._version is None:
                    await self._list()
                await self._stream()
                pause = spread(RECONNECT_SECONDS)
            except Expired:
                self._version, pause = None, spread(RECONNECT_SECONDS)
            except NotFound:
                self._mark_absent(f"the API server does not serve {self.resource.api_version} {self.resource.kind}")
                pause = spread(ABSENT_SECONDS)
            except RollmodelError as error:
                if isinstance(error, Forbidden) and self.resource in OPTIONAL:
                    self._mark_absent(f"{self.resource.plural} are not watched: {error}")
                    pause = spread(ABSENT_SECONDS)
                else:
                    pause = self._after_failure(error)
            await asyncio.sleep(pause)

    def _after_failure(self, error: RollmodelError) -> float:
        """Seconds to wait. A stream that went well for long is no reason to worry, or to wait longer each time."""
        if time.monotonic() - self.stirred >= watching.SILENCE_SECONDS:
            _log.info("watching %s: opened anew (%s)", self.resource.plural, error)
            return spread(RECONNECT_SECONDS)
        pause: float = max(self._backoff.next(), getattr(error, "retry_after", None) or 0.0)
        _log.warning("watching %s: %s; again in %.0f s", self.resource.plural, error, pause)
        return pause

    def _mark_absent(self, why: str) -> None:
        if not self.absent:
            _log.info("%s", why)
        self._note_answer()
        self.absent, self._version = True, None
        self._children.replace(self._kind, self._namespace, (), version=sys.maxsize)
        self.listed.set()

    def _note_answer(self) -> None:
        self.heard = self.stirred = time.monotonic()
        self._backoff.reset()

    @property
    def _kind(self) -> tuple[str, str]:
        return self.resource.api_version, self.resource.kind

    async def _list(self) -> None:
        """Fill the cache page by page, then forget what the list did not show."""
        present: set[Ref] = set()
        path, version = self.resource.path(self._namespace), ""
        async with aclosing(self._api.paged(path, {"labelSelector": self._selector}, limit=PAGE)) as pages:
            async for page in pages:
                self._note_answer()
                for obj in self._complete(page["items"]):
                    present.add(Ref.of(obj))
                    self._children.on_event(obj)
                version = page["metadata"]["resourceVersion"]
        self._children.replace(self._kind, self._namespace, present, int(version))
        self._version, self.absent = version, False
        self.listed.set()

    def _complete(self, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The items of a list come without apiVersion and kind; watch events have them."""
        for item in items:
            yield {**item, "apiVersion": self.resource.api_version, "kind": self.resource.kind}

    async def _stream(self) -> None:
        stream = watching.watch(
            self._api,
            self.resource.path(self._namespace),
            selector={"labelSelector": self._selector},
            version=str(self._version),
            seconds=spread(watching.STREAM_SECONDS),
        )
        async with aclosing(stream) as events:
            async for event in events:
                self._note_answer()
                self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        obj = event["object"]
        match event["type"]:
            case "ERROR":
                self._version = None
                raise _stream_error(obj)
            case "DELETED":
                self._children.on_delete(Ref.of(obj), version_of(obj))
            case "ADDED" | "MODIFIED":
                self._children.on_event(obj)
            case _:  # a bookmark: only its version counts
                pass
        self._version = obj["metadata"]["resourceVersion"]


def _stream_error(status: Mapping[str, Any]) -> RollmodelError:
    """An error inside the stream: 410 means that we fell behind; after any other we list again too, but wait longer."""
    message = str(status.get("message", "the watch failed"))
    return Expired(message) if status.get("code") == 410 else Unavailable(message)
