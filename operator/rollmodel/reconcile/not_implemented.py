"""Kinds whose schema is served but which this release does not act upon: they say so, once."""

from __future__ import annotations

from typing import Literal

from rollmodel.ports import Clock, Manifest
from rollmodel.reconcile.execute import Executor, no_connection
from rollmodel.reconcile.result import Result
from rollmodel.reconcile.stalled import stalled

__all__ = ["NotImplementedReconciler"]


class NotImplementedReconciler:
    """Sets ``Stalled=True, reason NotImplemented`` and leaves the outcome ``unknown``."""

    def __init__(self, executor: Executor, clock: Clock, *, unknown: Literal["Ready", "Succeeded"]) -> None:
        self._executor = executor
        self._clock = clock
        self._unknown: Literal["Ready", "Succeeded"] = unknown

    async def reconcile(self, body: Manifest) -> Result:
        """Say it where it was not said yet."""
        message = f"this release of the operator does not act on {body['kind']} objects yet"
        decision = stalled(body, "NotImplemented", message, now=self._clock.now(), unknown=self._unknown)
        execution = await self._executor.execute(body, decision, no_connection)
        return Result(execution.body, wrote=execution.wrote)

    def forget(self, uid: str) -> None:
        """Nothing is remembered."""
