"""All objects of our three kinds as they are now, kept current by watching: at rest nothing is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import ApiServer, Expired
from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.adapters.kubernetes.watches.stream import watch
from rollmodel.backoff import Backoff
from rollmodel.cli.common.advice import absent_kind, advised
from rollmodel.cli.common.cluster import DRIFT_POLICY, MODEL_DEPLOYMENT, TRAINING_JOB
from rollmodel.errors import NotFound, RollmodelError, Unavailable

__all__ = ["KINDS", "Live"]

KINDS = (MODEL_DEPLOYMENT, TRAINING_JOB, DRIFT_POLICY)
PAGE = 100
#: How long a kind is left alone that is not installed, or may not be read.
REFUSED_SECONDS = 60.0

Manifest = Mapping[str, Any]
Key = tuple[str, str, str]


class Live:
    """Objects by (kind, namespace, name). ``problems``: by kind, why it cannot be seen, or is not current.

    ``version`` counts changes. ``seen`` is called with each object that is new or has changed.
    """

    def __init__(
        self, server: ApiServer, namespace: str | None, *, seen: Callable[[Manifest], None] = lambda _: None
    ) -> None:
        self.objects: dict[Key, Manifest] = {}
        self.problems: dict[str, str] = {}
        self.version = 0
        self._server, self._namespace, self._seen = server, namespace, seen
        self._from: dict[str, str] = {}
        self._moved = asyncio.Event()

    def of_kind(self, kind: str) -> Sequence[Manifest]:
        """By namespace and name."""
        return [self.objects[key] for key in sorted(self.objects) if key[0] == kind]

    async def changed(self, version: int, seconds: float) -> int:
        """Wait until there is another version than this one, at most so long; the version then."""
        if self.version == version:
            try:
                async with asyncio.timeout(seconds):
                    await self._moved.wait()
            except TimeoutError:
                pass
        return self.version

    async def start(self) -> None:
        """List everything once. Raises what stands in the way, if nothing at all can be seen."""
        failures = []
        for kind in KINDS:
            try:
                await self._list(kind)
            except RollmodelError as error:
                failures.append(error)
                self._problem(kind, error)
        if len(failures) == len(KINDS):
            raise failures[0]

    async def run(self) -> None:
        """Stay current until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind in KINDS:
                group.create_task(self._follow(kind))

    async def _follow(self, kind: Resource) -> None:
        backoff = Backoff(first=0.5, cap=30.0)
        while True:
            try:
                if kind.kind not in self._from:
                    await self._list(kind)
                self._clear(kind)
                backoff.reset()
                await self._stream(kind)
            except Expired:
                self._from.pop(kind.kind, None)
            except Unavailable as error:
                self._problem(kind, error)
                await asyncio.sleep(backoff.next())
            except RollmodelError as error:
                self._from.pop(kind.kind, None)
                self._problem(kind, error)
                await asyncio.sleep(REFUSED_SECONDS)

    async def _list(self, kind: Resource) -> None:
        found: dict[Key, Manifest] = {}
        version = ""
        try:
            async with aclosing(self._server.paged(kind.path(self._namespace), limit=PAGE)) as pages:
                async for page in pages:
                    for item in page["items"] or ():  # without apiVersion and kind
                        complete = {**item, "apiVersion": kind.api_version, "kind": kind.kind}
                        found[_key(complete)] = complete
                    version = page["metadata"]["resourceVersion"]
        except NotFound as error:
            raise absent_kind(kind) from error
        self._from[kind.kind] = version
        self.objects = {key: one for key, one in self.objects.items() if key[0] != kind.kind} | found
        for manifest in found.values():
            self._seen(manifest)
        self._move()

    async def _stream(self, kind: Resource) -> None:
        stream = watch(self._server, kind.path(self._namespace), selector={}, version=self._from[kind.kind])
        async with aclosing(stream) as events:
            async for event in events:
                self._take(kind, event["type"], event["object"])

    def _take(self, kind: Resource, type_: str, manifest: Manifest) -> None:
        match type_:
            case "ERROR":
                raise Expired(str(manifest.get("message", "the watch failed")))
            case "DELETED":
                self.objects.pop(_key(manifest), None)
                self._move()
            case "ADDED" | "MODIFIED":
                self.objects[_key(manifest)] = manifest
                self._seen(manifest)
                self._move()
            case _:  # a bookmark
                pass
        self._from[kind.kind] = manifest["metadata"]["resourceVersion"]

    def _problem(self, kind: Resource, error: RollmodelError) -> None:
        text = str(advised(error, self._server.url))
        if self.problems.get(kind.kind) != text:
            self.problems[kind.kind] = text
            self._move()

    def _clear(self, kind: Resource) -> None:
        if self.problems.pop(kind.kind, None) is not None:
            self._move()

    def _move(self) -> None:
        self.version += 1
        self._moved.set()
        self._moved = asyncio.Event()


def _key(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata["namespace"], metadata["name"]
