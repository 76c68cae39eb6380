"""Carry out the tracking writes of a Decision.

They need no outbox: a write that was lost is still missing when the next pass compares, and is decided again. What
creates is guarded by a claim in status, which others respect for 30 s (ADR 4): so if it is late, it does not begin.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from rollmodel.errors import RollmodelError, Unavailable
from rollmodel.plan.decision import CreateRun, CreateVersion, Event, LogRun, SetRunStatus, TrackingWrite
from rollmodel.plan.problem import Problem
from rollmodel.ports import Connection, Kube, Manifest, Tracking

__all__ = ["RunWriter"]

#: So many seconds after the acting began, status with its claim included, nothing is created any more.
CREATE_WITHIN_SECONDS = 5.0


class RunWriter:
    """Tells the tracking server, and people once for each kind of failure of an object."""

    def __init__(self, kube: Kube, tracking: Tracking | None) -> None:
        self._kube = kube
        self._tracking = tracking
        self._failing: dict[str, str] = {}

    async def track(
        self,
        body: Manifest,
        writes: Sequence[TrackingWrite],
        connect: Callable[[], Awaitable[Connection]],
        *,
        began: float,
    ) -> Problem | None:
        """Write in order until one fails, because what comes later may rest on what came before.

        ``began`` is when the acting did (``time.monotonic``). The failure of the write, or None.
        """
        if not writes:
            return None
        if self._tracking is None:
            raise RuntimeError("a decision with tracking writes needs a tracking server")
        doing = "Connect"
        try:
            connection = await connect()
            for write in writes:
                doing = type(write).__name__
                await _carry_out(self._tracking, connection, write, began)
        except RollmodelError as error:
            await self._say(body, f"{doing} {error.reason}", str(error))
            return Problem.of(error)
        self.forget(body["metadata"]["uid"])
        return None

    def forget(self, uid: str) -> None:
        """The object is gone, or all went well: the next failure is news."""
        self._failing.pop(uid, None)

    async def _say(self, body: Manifest, kind: str, message: str) -> None:
        uid = body["metadata"]["uid"]
        if self._failing.get(uid) != kind:
            self._failing[uid] = kind
            await self._kube.event(body, Event("Warning", "TrackingWriteFailed", message))


async def _carry_out(tracking: Tracking, connection: Connection, write: TrackingWrite, began: float) -> None:
    match write:
        case LogRun():
            await tracking.log_run(connection, write)
        case SetRunStatus():
            await tracking.set_run_status(connection, write)
        case CreateRun():
            _in_time(began)
            await tracking.create_run(connection, write)
        case CreateVersion():
            _in_time(began)
            await tracking.create_version(connection, write)


def _in_time(began: float) -> None:
    if time.monotonic() - began > CREATE_WITHIN_SECONDS:
        raise Unavailable("what had to be done first took too long: looking again before anything is created")
