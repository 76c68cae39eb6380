"""What an outbox of the status holds goes to its neighbour beside the pass, and leaves the outbox when it was taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rollmodel.errors import RollmodelError
from rollmodel.plan.decision import Effect, Event, Ref
from rollmodel.ports.kubernetes import Kube
from rollmodel.reconcile.effects.deliveries import Deliveries
from rollmodel.reconcile.effects.execution_state import ExecutionState

__all__ = ["OutboxHandlers"]


class OutboxHandlers:
    """What handlers of such effects share. ``wake`` is called with the UID of an object whose write ended late."""

    def __init__(self, kube: Kube, wake: Callable[[str], None]) -> None:
        self._kube = kube
        self._deliveries = Deliveries(wake)

    def keep(self, uid: str, effects: Sequence[Effect]) -> None:
        """A pass decided on these effects: what became of other writes is forgotten."""
        self._deliveries.keep(uid, effects)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._deliveries.forget(uid)

    async def _replace_status(self, acting: ExecutionState, status: dict[str, Any]) -> None:
        """Write the status with what is left in the outbox, if the object is as we left it. Else Conflict."""
        ref, version = Ref.of(acting.body), acting.body["metadata"]["resourceVersion"]
        acting.body = await self._kube.patch_status(ref, status, resource_version=version)

    async def _try_again(self, acting: ExecutionState, reason: str, error: RollmodelError, seconds: float) -> None:
        """After so many seconds; an Event tells why, once in a pass for all that failed alike."""
        acting.retries.append(seconds)
        message = str(error)
        if message not in acting.said:
            acting.said.add(message)
            await self._kube.event(acting.body, Event("Warning", reason, message))
