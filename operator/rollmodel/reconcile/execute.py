"""Carry out a Decision: the status first, as a fence, then everything else, in an order that is safe to cut anywhere.

Whoever acts has either just written the status with the resourceVersion that was decided on, or has just seen that the
object still has it. So of two operators that decided on the same version only one acts, and nobody acts on old news.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rollmodel.errors import Conflict, Invalid, NotFound, RollmodelError, Terminal
from rollmodel.plan.decision import Decision, Event, Ref, RegistryWrite
from rollmodel.plan.problem import Problem
from rollmodel.ports import Connection, Kube, Manifest, Registry, Tracking
from rollmodel.reconcile.run_writes import RunWriter

__all__ = ["REGISTRY_RETRY_SECONDS", "TRACKING_RETRY_SECONDS", "Execution", "Executor", "no_connection"]

#: When to try again what the registry did not take.
REGISTRY_RETRY_SECONDS = 60.0
#: When to try again what the tracking server did not take, in seconds; a claim has ended by then (ADR 4).
TRACKING_RETRY_SECONDS = 30.0

Connect = Callable[[], Awaitable[Connection]]


async def no_connection() -> Connection:
    """The connection of decisions that write nothing but status."""
    raise Invalid("this object names no registry that is understood")


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a decision.

    ``body`` is the object as it now is; ``refused`` says what the API server refused (the next pass puts it into a
    condition); ``untracked`` is why a tracking write failed, None where none did; ``retry_after`` is when something
    that failed should be tried again.
    """

    body: Manifest
    wrote: bool = False
    refused: tuple[str, ...] = ()
    untracked: Problem | None = None
    retry_after: float | None = None


class Executor:
    """Acts on behalf of one pass at a time. ``tracking`` is needed for decisions with tracking writes only."""

    def __init__(self, kube: Kube, registry: Registry, tracking: Tracking | None = None) -> None:
        self._kube = kube
        self._registry = registry
        self._run_writer = RunWriter(kube, tracking)

    async def execute(self, body: Manifest, decision: Decision, connect: Connect) -> Execution:
        """Make it so. Conflict: somebody was faster, read again. ``connect`` gives the registry of this object."""
        if not _changes(body, decision):
            return Execution(body)
        began = time.monotonic()
        fenced = await self._write_status(body, decision)
        try:
            refused = await self._act(decision)
        finally:
            await self._emit(fenced, decision.events)
        told, latest = await self._write_registry(fenced, decision.registry, connect)
        untracked = await self._run_writer.track(latest, decision.tracking, connect, began=began)
        acted = (decision.apply or decision.delete) and not refused
        tracked = decision.tracking and untracked is None
        return Execution(
            latest,
            wrote=latest is not body or bool(acted or tracked),
            refused=refused,
            untracked=untracked,
            retry_after=_retry(told, untracked),
        )

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._run_writer.forget(uid)

    async def _write_status(self, body: Manifest, decision: Decision) -> Manifest:
        ref, version = Ref.of(body), body["metadata"]["resourceVersion"]
        if decision.status != body.get("status", {}):
            return await self._kube.patch_status(ref, decision.status, resource_version=version)
        live = await self._kube.get(ref)
        if live is None or live["metadata"]["resourceVersion"] != version:
            raise Conflict(f"{ref.kind} {ref.name} changed since it was read")
        return body

    async def _act(self, decision: Decision) -> tuple[str, ...]:
        """Apply, then delete. The first refusal ends it: what comes later may rest on what came before."""
        try:
            for manifest in decision.apply:
                await self._kube.apply(manifest)
            for delete in decision.delete:
                await self._kube.delete(delete.ref, uid=delete.uid)
        except Terminal as error:
            return (str(error),)
        return ()

    async def _emit(self, body: Manifest, events: Sequence[Event]) -> None:
        for event in events:
            await self._kube.event(body, event)

    async def _write_registry(
        self, body: Manifest, writes: Sequence[RegistryWrite], connect: Connect
    ) -> tuple[bool, Manifest]:
        """Tell the registry; what it took leaves the outbox. False if something has to be tried again."""
        if not writes:
            return True, body
        settled: set[str] = set()
        failure: RollmodelError | None = None
        try:
            connection = await connect()
            for write in writes:
                await self._write(body, connection, write)
                settled.add(write.key)
        except RollmodelError as error:
            failure = error
            await self._kube.event(body, Event("Warning", "RegistryWriteFailed", str(error)))
        return failure is None, await self._acknowledge(body, settled) if settled else body

    async def _write(self, body: Manifest, connection: Connection, write: RegistryWrite) -> None:
        """One write. A version that no longer exists needs no tag: that is said, and then forgotten."""
        try:
            if write.tags:
                await self._registry.set_tags(connection, write.model, write.version, write.tags)
            if write.alias is not None:
                await self._registry.set_alias(connection, write.model, write.alias, write.version)
        except NotFound as error:
            await self._kube.event(body, Event("Warning", "RegistryWriteDropped", str(error)))

    async def _acknowledge(self, body: Manifest, settled: set[str]) -> Manifest:
        """Take from the outbox, where there is one, what the registry took."""
        status: dict[str, Any] = dict(body.get("status", {}))
        if "outbox" not in status:
            return body
        status["outbox"] = [entry for entry in status["outbox"] if entry["key"] not in settled]
        version = body["metadata"]["resourceVersion"]
        return await self._kube.patch_status(Ref.of(body), status, resource_version=version)


def _changes(body: Manifest, decision: Decision) -> bool:
    acts = decision.apply or decision.delete or decision.registry or decision.tracking or decision.events
    return bool(acts) or decision.status != body.get("status", {})


def _retry(told: bool, untracked: Problem | None) -> float | None:
    """What is due first of what has to be tried again."""
    if untracked is not None:
        return TRACKING_RETRY_SECONDS
    return None if told else REGISTRY_RETRY_SECONDS
