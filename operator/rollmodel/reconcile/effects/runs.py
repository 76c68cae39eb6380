"""Write runs and versions to the tracking server, in order until one fails: the next may rest on the one before.

These writes need no outbox: one that was lost is still missing when the next pass compares, and is decided again. What
creates is guarded by a claim in status, which others respect for 30 s (ADR 4): so if it is late, it does not begin.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from rollmodel.errors import RollmodelError, Unauthorized, Unavailable
from rollmodel.plan.access.tenancy import Tenancy
from rollmodel.plan.decision import CreateRun, CreateVersion, Effect, Event, LogRun, SetRunStatus, TrackingWrite
from rollmodel.plan.problem import Problem
from rollmodel.plan.timing import Timing
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.registry import Connection
from rollmodel.ports.tracking import Tracking
from rollmodel.reconcile.created_runs import CreatedRuns
from rollmodel.reconcile.effects.execution_state import ExecutionState, Handler, Refusal

__all__ = ["CREATE_WITHIN_SECONDS", "RunHandlers"]

#: So many seconds after the acting began, status with its claim included, nothing is created any more.
CREATE_WITHIN_SECONDS = 5.0


class RunHandlers:
    """Writes to the tracking server, and tells people once of each kind of failure of an object."""

    def __init__(self, kube: Kube, tracking: Tracking, timing: Timing, tenancy: Tenancy, created: CreatedRuns) -> None:
        self._kube = kube
        self._tracking = tracking
        self._timing = timing
        self._tenancy = tenancy
        self._created = created
        self._failing: dict[str, str] = {}

    @property
    def handlers(self) -> Mapping[type[Effect], Handler]:
        """By class of effect."""
        return {
            CreateRun: self._create_run,
            LogRun: self._log_run,
            SetRunStatus: self._set_run_status,
            CreateVersion: self._create_version,
        }

    def finish(self, acting: ExecutionState) -> None:
        """All writes of a decision were tried: if all went well, the next failure is news."""
        if acting.untracked is None and any(isinstance(effect, TrackingWrite) for effect in acting.done):
            self._failing.pop(_uid(acting), None)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._failing.pop(uid, None)
        self._created.forget(uid)

    async def _create_run(self, effect: CreateRun, acting: ExecutionState) -> None:
        namespace = acting.body["metadata"]["namespace"]

        async def create(connection: Connection) -> None:
            owner = self._owner(connection, namespace, experiments=[effect.experiment])
            self._created.note(_uid(acting), await self._tracking.create_run(connection, effect, owner=owner))

        await self._carry_out(effect, acting, create)

    async def _log_run(self, effect: LogRun, acting: ExecutionState) -> None:
        await self._carry_out(effect, acting, lambda connection: self._tracking.log_run(connection, effect))

    async def _set_run_status(self, effect: SetRunStatus, acting: ExecutionState) -> None:
        await self._carry_out(effect, acting, lambda connection: self._tracking.set_run_status(connection, effect))

    async def _create_version(self, effect: CreateVersion, acting: ExecutionState) -> None:
        namespace = acting.body["metadata"]["namespace"]

        def create(connection: Connection) -> Awaitable[str]:
            owner = self._owner(connection, namespace, models=[effect.model])
            return self._tracking.create_version(connection, effect, owner=owner)

        await self._carry_out(effect, acting, create)

    def _owner(self, connection: Connection, namespace: str, **named: list[str]) -> str | None:
        """In whose name this is written. Raises Forbidden where the namespace may not have it."""
        if connection.namespace is not None:
            return None
        self._tenancy.check(namespace, **named)
        return self._tenancy.owner(namespace)

    async def _carry_out(
        self, effect: TrackingWrite, acting: ExecutionState, write: Callable[[Connection], Awaitable[object]]
    ) -> None:
        if acting.untracked is not None:
            return
        doing = "Connect"
        try:
            connection = await acting.connect()
            doing = type(effect).__name__
            if isinstance(effect, CreateRun | CreateVersion):
                _in_time(acting.began)
            await write(connection)
        except RollmodelError as error:
            await self._report(doing, error, acting)
        else:
            acting.done.append(effect)

    async def _report(self, doing: str, error: RollmodelError, acting: ExecutionState) -> None:
        problem = Problem.of(error)
        acting.untracked = problem
        acting.login_refused = acting.login_refused or isinstance(error, Unauthorized)
        acting.retries.append(self._timing.write_retry)
        if not problem.transient:  # the next pass decides what that means
            acting.refused.append(Refusal("tracking", f"{problem.reason}: {problem.message}", transient=False))
        kind, uid = f"{doing} {error.reason}", _uid(acting)
        if self._failing.get(uid) != kind:
            self._failing[uid] = kind
            await self._kube.event(acting.body, Event("Warning", "TrackingWriteFailed", str(error)))


def _uid(acting: ExecutionState) -> str:
    uid: str = acting.body["metadata"]["uid"]
    return uid


def _in_time(began: float) -> None:
    if time.monotonic() - began > CREATE_WITHIN_SECONDS:
        raise Unavailable("what had to be done first took too long: looking again before anything is created")
