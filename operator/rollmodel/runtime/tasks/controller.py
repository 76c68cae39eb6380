"""The loop that keeps one object at its goal: pass, sleep until something happens or is due, pass again.

Never two passes at once over one object (only its loop makes them), only so many passes at work over all (slots).
A pass that wrote something is followed by another, until one finds nothing to do. A pass that failed is tried again
after a growing pause, from a fresh read. And once in a while a pass is made though nothing happened (resync).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rollmodel.backoff import Backoff, spread
from rollmodel.errors import Conflict, NotFound, RollmodelError, Transient
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.strategies.commands import ANNOTATION
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.kubernetes import Kube
from rollmodel.reconcile.result import Reconciler, Result
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.tasks.arrivals import Arrivals
from rollmodel.runtime.tasks.finalizers import needs_finalizer, title, with_finalizer
from rollmodel.runtime.tasks.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog
from rollmodel.slots import Pass, Slots

__all__ = ["Controller", "Limits"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard the controller works. Times in seconds."""

    concurrency: int = 64
    """Passes at work at once; one that waits for a neighbour is not at work."""
    resync: float = 900.0
    pass_timeout: float = 180.0
    startup_spread: float = 2.0
    """Objects that were there before us begin at a random moment of this interval."""
    settle: float = 0.05
    """How long a pass waits after what woke it: children change in bursts, and one pass sees all of one.

    It is longer while others wait for their first pass, see :mod:`rollmodel.runtime.tasks.arrivals`.
    """


@dataclass(slots=True)
class _Loop:
    """What one object's loop knows between two passes."""

    ref: Ref
    uid: str
    whose: Pass
    failures: Backoff = field(default_factory=lambda: Backoff(first=1.0, cap=300.0))
    conflicts: Backoff = field(default_factory=lambda: Backoff(first=0.1, cap=10.0))
    writes: Backoff = field(default_factory=lambda: Backoff(first=0.1, cap=60.0))
    user_intent: tuple[Any, ...] = ()
    """What people said (see :func:`_user_intent`) when the last pass began."""
    written: Manifest | None = None
    """The object as our own last write left it, while the watch has not shown us that yet."""
    stale: bool = False
    """The last pass failed, or the watch had to list anew: what we hold of the object may be old."""


class Controller:
    """Drives every object that it is given; shared by all kinds."""

    def __init__(
        self,
        kube: Kube,
        triggers: Triggers,
        limits: Limits,
        instruments: Instruments,
        watchdog: Watchdog,
        *,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._kube = kube
        self._triggers = triggers
        self._limits = limits
        self._slots = Slots(limits.concurrency)
        self._arrivals = Arrivals() if arrivals is None else arrivals
        self._instruments = instruments
        self._watchdog = watchdog
        self._loops: dict[str, _Loop] = {}

    def on_event(self, body: Manifest) -> None:
        """The watch brought an object: wake its loop if a person said something new, not for our own writes."""
        loop = self._loops.get(body["metadata"]["uid"])
        if loop is None:
            return
        if loop.written is not None and _version(body) >= _version(loop.written):
            loop.written = None
        if _user_intent(body) != loop.user_intent:
            self._triggers.wake(loop.uid)

    def doubt(self, uid: str) -> None:
        """The watch may have missed that this object was deleted: read it, and wake its loop."""
        loop = self._loops.get(uid)
        if loop is not None:
            loop.stale = True
            self._triggers.wake(uid)

    async def drive(self, reconciler: Reconciler, view: Callable[[], Manifest], *, delay: bool = False) -> None:
        """Keep one object at its goal until it is gone or being deleted. ``view`` gives it as the watch last saw it.

        ``delay`` begins at a random moment, for objects that are many at once.
        """
        owner = _address(view())  # no more of it: this frame lives as long as the object
        ref, uid = Ref.of(owner), owner["metadata"]["uid"]
        loop = _Loop(ref, uid, Pass(ref.namespace, uid))
        self._loops[loop.uid] = loop
        self._kube.adopt(owner)
        try:
            with self._triggers.trigger(loop.uid) as trigger:
                await asyncio.sleep(random.uniform(0, self._limits.startup_spread) if delay else 0)  # noqa: S311
                self._arrivals.begin(loop.uid, ref.namespace)
                while True:
                    trigger.clear()
                    pause = await self._reconcile_once(reconciler, loop, view)
                    if pause is None:
                        return
                    self._arrivals.passed(loop.uid, pause)
                    await trigger.sleep(pause)
                    await self._arrivals.settled(loop.uid, self._limits.settle)
        finally:
            self._arrivals.forget(loop.uid)
            self._loops.pop(loop.uid, None)
            self._kube.disown(owner)
            reconciler.forget(loop.uid)
            self._instruments.forget(loop.uid)

    async def _reconcile_once(self, reconciler: Reconciler, loop: _Loop, view: Callable[[], Manifest]) -> float | None:
        """One pass, and the seconds to sleep after it; None when there is nothing left to drive."""
        body: Manifest | None = None
        try:
            with self._watchdog.due():
                async with self._slots.slot(loop.whose, self._arrivals.turn(loop.uid)):
                    body = await self._freshest(loop, view())
                    if body is None or body["metadata"].get("deletionTimestamp"):
                        return None
                    loop.user_intent = _user_intent(body)
                    body = await with_finalizer(self._kube, body, needed=needs_finalizer(reconciler, body))
                    with self._instruments.pass_over(loop.ref.kind):
                        async with asyncio.timeout(self._limits.pass_timeout):
                            result = await reconciler.reconcile(body)
            self._instruments.on_pass(
                loop.uid, body, result.body, sample_age=result.sample_age, readings=result.readings
            )
        except Exception as error:  # noqa: BLE001 - whatever happens to one object must not end its loop
            loop.stale = True
            return self._after_failure(loop, error)
        return self._after_success(loop, result, view())

    async def _freshest(self, loop: _Loop, seen: Manifest) -> Manifest | None:
        """The newest we have: what the watch saw, what we wrote ourselves, or after a failure a new read."""
        if loop.stale:
            read = await self._kube.get(loop.ref)
            loop.stale = False
            return read if read is not None and read["metadata"]["uid"] == loop.uid else None
        if loop.written is not None and _version(loop.written) > _version(seen):
            return loop.written
        return seen

    def _after_success(self, loop: _Loop, result: Result, seen: Manifest) -> float:
        loop.failures.reset()
        loop.conflicts.reset()
        loop.written = result.body if _version(result.body) > _version(seen) else None
        resync = spread(self._limits.resync)
        due = resync if result.requeue_after is None else min(resync, result.requeue_after)
        if result.wrote:
            return min(due, max(loop.writes.next(), result.look_again))
        loop.writes.reset()
        return due

    def _after_failure(self, loop: _Loop, error: Exception) -> float:
        loop.written = None
        name = title(loop.ref)
        match error:
            case Conflict() | NotFound():  # it is another one by now, or gone: the next pass reads it
                return loop.conflicts.next()
            case Transient():
                pause = max(loop.failures.next(), error.retry_after or 0.0)
                _log.warning("%s: %s; again in %.0f s", name, error, pause)
            case RollmodelError() | TimeoutError():
                pause = loop.failures.next()
                _log.warning("%s: %s; again in %.0f s", name, str(error) or "the pass took too long", pause)
            case _:
                pause = loop.failures.next()
                _log.error("%s: unexpected error; again in %.0f s", name, pause, exc_info=error)
        return pause


def _version(body: Manifest) -> int:
    version: Any = body["metadata"]["resourceVersion"]
    return int(version)


def _address(body: Manifest) -> Manifest:
    """An object without what it says: its kind, name and UID."""
    meta = {key: body["metadata"][key] for key in ("namespace", "name", "uid")}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": meta}


def _user_intent(body: Manifest) -> tuple[Any, ...]:
    """What people say to an object: its spec, a command, or that it shall go. Not what we write to it ourselves."""
    meta = body["metadata"]
    command = meta.get("annotations", {}).get(ANNOTATION)
    return meta.get("generation"), meta.get("deletionTimestamp"), command
