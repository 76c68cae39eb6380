"""Carry out a Decision: the status first, as a precondition, then the effects. A pass may be cut between any two.

Whoever acts has either just written the status with the resourceVersion that was decided on, or has just seen that the
object still has it. So of two operators that decided on the same version only one acts, and nobody acts on old news.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rollmodel.errors import Conflict, Invalid
from rollmodel.plan.access.tenancy import Tenancy
from rollmodel.plan.decision import (
    ApplyObject,
    CreateRun,
    CreateVersion,
    Decision,
    DeleteObject,
    Effect,
    EmitEvent,
    LogRun,
    Notify,
    Ref,
    SetBackends,
    SetRunStatus,
    TrackingWrite,
    WriteRegistry,
)
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem
from rollmodel.plan.status_changes import only_installing, only_progress
from rollmodel.plan.timing import Timing
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.registry import Connection, Registry
from rollmodel.ports.tracking import Tracking
from rollmodel.reconcile.created_runs import CreatedRuns
from rollmodel.reconcile.effects.execution_state import Connect, ExecutionState, Handler, Refusal
from rollmodel.reconcile.effects.notify import NotifyHandlers
from rollmodel.reconcile.effects.objects import Arrived, ObjectHandlers
from rollmodel.reconcile.effects.registry import RegistryHandlers
from rollmodel.reconcile.effects.runs import RunHandlers
from rollmodel.reconcile.effects.status import StatusWriter

__all__ = ["INSTALL_SECONDS", "Execution", "Executor", "no_connection"]

#: How long a status can wait that only says how the first revision comes up, in seconds: most do in that time.
INSTALL_SECONDS = 30.0


async def no_connection() -> Connection:
    """The connection of decisions that write nothing but status."""
    raise Invalid("this object names no registry that is understood")


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a decision.

    ``body`` is the object as it now is; ``done`` are the effects that were carried out; ``refused`` are those that were
    not accepted (the next pass puts them into a condition); ``untracked`` is why a tracking write failed, None where
    none did; ``login_refused``: the registry does not accept the login; ``retry_after`` is when something that failed
    should be tried again. ``wrote``: something changed, so another pass may have more to do.
    """

    body: Manifest
    wrote: bool = False
    done: tuple[Effect, ...] = ()
    refused: tuple[Refusal, ...] = ()
    untracked: Problem | None = None
    login_refused: bool = False
    retry_after: float | None = None


class Executor:
    """Acts on behalf of one pass at a time. ``tracking`` is needed for decisions with tracking writes only.

    ``wake`` is called with the UID of an object whose write to the registry went on beside its pass, when it has ended.
    ``progress_seconds``: a status that only counts more pods is written at most this often, since the next pass mostly
    has something better to say. ``leads`` is asked before the status and each effect: an operator that lost its Lease
    does nothing more. ``arrived`` is awaited after the workload of an object was made, so that new objects take turns.
    ``created`` is told of runs, for the passes that follow.
    """

    def __init__(
        self,
        kube: Kube,
        registry: Registry,
        tracking: Tracking | None = None,
        *,
        wake: Callable[[str], None] = lambda _: None,
        progress_seconds: float = 0.0,
        timing: Timing | None = None,
        tenancy: Tenancy | None = None,
        clock: Callable[[], float] = time.monotonic,
        leads: Callable[[], bool] = lambda: True,
        news: NotifyHandlers | None = None,
        arrived: Arrived | None = None,
        created: CreatedRuns | None = None,
    ) -> None:
        self._kube = kube
        self._leads = leads
        self._progress_seconds = progress_seconds
        self._clock = clock
        self._written: dict[str, float] = {}
        timing = timing or Timing()
        self._statuses = StatusWriter(kube)
        self._objects = ObjectHandlers(kube, clock, arrived)
        tenancy = tenancy or Tenancy()
        self._outbox = RegistryHandlers(kube, registry, wake, tenancy, permit=self._only_as_leader, retry=timing.person)
        self._news = news
        self._outboxes = [self._outbox] if news is None else [self._outbox, news]
        created = created or CreatedRuns()
        self._runs = RunHandlers(kube, tracking, timing, tenancy, created) if tracking is not None else None
        self.handlers: Mapping[type[Effect], Handler] = {
            **self._objects.handlers,
            EmitEvent: self._emit,
            **self._outbox.handlers,
            **(self._runs.handlers if self._runs is not None else {}),
            **(news.handlers if news is not None else {}),
        }

    async def execute(self, body: Manifest, decision: Decision, connect: Connect) -> Execution:
        """Make it so. Conflict: somebody was faster, read again. ``connect`` gives the registry of this object.

        This is the order of acting. Events say what the status says, so they are posted even where the acting is cut.
        """
        uid = body["metadata"]["uid"]
        for outbox in self._outboxes:
            outbox.keep(uid, decision.effects)
        decision, fights = self._objects.without_needless(body, decision)
        if not decision.effects and self._statuses.is_there(body, decision.status):
            return Execution(body, refused=fights)
        now = self._clock()
        if (pause := self._can_wait(body, decision, now)) > 0.0:
            return Execution(body, refused=fights, retry_after=pause)
        began = time.monotonic()
        acting = ExecutionState(await self._write_status(body, decision), connect, began, repairs=decision.repairs)
        acting.refused.extend(fights)
        if acting.body is not body:
            self._written[uid] = now
        try:
            await self._carry_out(decision, (ApplyObject,), acting)
            await self._carry_out(decision, (SetBackends,), acting)
            await self._carry_out(decision, (DeleteObject,), acting)
        finally:
            await self._carry_out(decision, (EmitEvent,), acting)
        if acting.conflict is not None:
            raise acting.conflict
        await self._carry_out(decision, (WriteRegistry,), acting)
        self._only_as_leader()
        await self._outbox.acknowledge(acting)
        await self._carry_out(decision, (CreateRun, LogRun, SetRunStatus, CreateVersion), acting)
        if self._news is not None:
            await self._carry_out(decision, (Notify,), acting)
            await self._news.acknowledge(acting)
        return self._report(body, acting)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._written.pop(uid, None)
        self._statuses.forget(uid)
        self._objects.forget(uid)
        for outbox in self._outboxes:
            outbox.forget(uid)
        if self._runs is not None:
            self._runs.forget(uid)

    def _can_wait(self, body: Manifest, decision: Decision, now: float) -> float:
        """Seconds that this status can wait, 0 where it must be written."""
        before, written = body.get("status", {}), self._written.get(body["metadata"]["uid"])
        if decision.effects or written is None or not self._progress_seconds:
            return 0.0
        if only_progress(before, decision.status):
            return written + self._progress_seconds - now
        return written + INSTALL_SECONDS - now if only_installing(before, decision.status) else 0.0

    async def _write_status(self, body: Manifest, decision: Decision) -> Manifest:
        self._only_as_leader()
        if not self._statuses.is_there(body, decision.status):
            return await self._statuses.write(body, decision.status)
        ref, version = Ref.of(body), body["metadata"]["resourceVersion"]
        live = await self._kube.get(ref)
        if live is None or live["metadata"]["resourceVersion"] != version:
            raise Conflict(f"{ref.kind} {ref.name} changed since it was read")
        return body

    async def _carry_out(self, decision: Decision, kinds: tuple[type[Effect], ...], acting: ExecutionState) -> None:
        """The effects of these classes, as the decision lists them."""
        for effect in decision.effects:
            if isinstance(effect, kinds):
                self._only_as_leader()
                await self.handlers[type(effect)](effect, acting)

    def _only_as_leader(self) -> None:
        if not self._leads():
            raise Conflict("another operator may lead by now")

    async def _emit(self, effect: EmitEvent, acting: ExecutionState) -> None:
        if effect.repairs is None or effect.repairs in acting.changed:
            await self._kube.event(acting.body, effect.event)

    def _report(self, body: Manifest, acting: ExecutionState) -> Execution:
        if self._runs is not None:
            self._runs.finish(acting)
        objects = any(isinstance(effect, ApplyObject | SetBackends | DeleteObject) for effect in acting.done)
        tracked = acting.untracked is None and any(isinstance(effect, TrackingWrite) for effect in acting.done)
        return Execution(
            acting.body,
            wrote=acting.body is not body or objects or tracked,
            done=tuple(acting.done),
            refused=tuple(acting.refused),
            untracked=acting.untracked,
            login_refused=acting.login_refused,
            retry_after=min(acting.retries, default=None),
        )
