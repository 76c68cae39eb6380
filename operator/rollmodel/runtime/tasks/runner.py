"""A task for each object that the watch brings: begun when it first does, ended when the object is deleted.

A deletion that a watch missed, because it was away for so long that it had to list anew, is found by comparing: who was
there and is not in the list is read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollmodel.adapters.kubernetes.watches.packed import PackedObjects
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.kubernetes import Kube
from rollmodel.reconcile.result import Reconciler
from rollmodel.runtime.tasks.controller import Controller
from rollmodel.runtime.tasks.finalizers import let_go

__all__ = ["LIST_SECONDS", "Runner"]

#: A list is through so many seconds after its first object, at the latest.
LIST_SECONDS = 30.0
#: So many objects are kept as they are, the others packed: a parsed one takes 12 KB, and most are at rest.
UNPACKED = 32


@dataclass(slots=True)
class _Running:
    """``place``: what is listed with it, kind and namespace. ``brought``: when the watch brought it last."""

    reconciler: Reconciler
    uid: str
    place: tuple[str, str]
    brought: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] | None = None
    ending: bool = False


class Runner:
    """``started`` is when the process did: objects older than it are taken up gradually."""

    def __init__(self, controller: Controller, kube: Kube, *, started: datetime) -> None:
        self._controller = controller
        self._kube = kube
        self._started = started
        self._running: dict[str, _Running] = {}
        self._seen: PackedObjects[str] = PackedObjects(UNPACKED)
        self._lists: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._tasks: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Events are acted on within this block; at its end all tasks are cancelled, at any place of a pass.

        A task that fails, which is a bug, ends the block.
        """
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                for listing in self._lists.values():
                    listing.cancel()
                for running in self._running.values():
                    _cancel(running)

    def on_event(self, change: str | None, body: Manifest, reconciler: Reconciler) -> None:
        """The watch brought an object: ``change`` is ADDED, MODIFIED, DELETED, or None where a list shows it."""
        if self._tasks is None:
            return
        running = self._running.get(body["metadata"]["uid"])
        if change == "DELETED":
            if running is not None:
                self._gone(running)
            return
        if running is None:
            running = self._begin(body, reconciler)
        else:
            self._again(running, change, body)
        if body["metadata"].get("deletionTimestamp") and not running.ending:
            self._end(running)
        else:
            self._controller.on_event(body)

    def _begin(self, body: Manifest, reconciler: Reconciler) -> _Running:
        meta = body["metadata"]
        running = _Running(reconciler, meta["uid"], (body["kind"], meta["namespace"]))
        self._running[running.uid] = running
        self._seen[running.uid] = dict(body)
        if not meta.get("deletionTimestamp"):
            self._spawn(running, self._drive(running))
        return running

    def _again(self, running: _Running, change: str | None, body: Manifest) -> None:
        self._seen[running.uid] = dict(body)
        if change is None and running.place not in self._lists:
            self._lists[running.place] = asyncio.get_running_loop().call_later(
                LIST_SECONDS, self._compare, running.place, time.monotonic()
            )
        running.brought = time.monotonic()

    def _end(self, running: _Running) -> None:
        """It is being deleted: it is driven no more, then settled and let go."""
        running.ending = True
        driving = running.task
        self._spawn(running, self._let_go(running, driving))

    def _gone(self, running: _Running) -> None:
        """It is deleted. Somebody else may have taken our finalizer off: what is being settled goes on."""
        task = running.task
        if running.ending and task is not None and not task.done():
            task.add_done_callback(lambda _: self._forget(running))
            return
        self._forget(running)
        _cancel(running)

    def _forget(self, running: _Running) -> None:
        if self._running.pop(running.uid, None) is not None:
            del self._seen[running.uid]

    def _compare(self, place: tuple[str, str], began: float) -> None:
        del self._lists[place]
        for uid, running in self._running.items():
            if running.place == place and running.brought < began:
                self._controller.doubt(uid)

    def _spawn(self, running: _Running, work: Coroutine[Any, Any, None]) -> None:
        if self._tasks is not None:
            running.task = self._tasks.create_task(work, context=Context())

    async def _drive(self, running: _Running) -> None:
        created = datetime.fromisoformat(self._seen[running.uid]["metadata"]["creationTimestamp"])
        await self._controller.drive(running.reconciler, lambda: self._seen[running.uid], delay=created < self._started)
        # It is gone, or being deleted: if the watch is yet to say so, it is taken up for that again.
        if not running.ending:
            self._forget(running)

    async def _let_go(self, running: _Running, driving: asyncio.Task[None] | None) -> None:
        if driving is not None:
            driving.cancel()
            await asyncio.wait({driving})
        await let_go(self._kube, running.reconciler, self._seen[running.uid])


def _cancel(running: _Running) -> None:
    if running.task is not None:
        running.task.cancel()
