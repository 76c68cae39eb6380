"""Write to the registry what the outbox of an object's status holds. Each entry is for itself.

What was carried out leaves the outbox, and so does what the registry refused, with an Event. What failed otherwise (no
answer, a login that is not accepted, an answer that is not MLflow's) stays and is tried again: nothing is known to be
wrong with the write.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rollmodel.errors import RollmodelError, Terminal, Unauthorized
from rollmodel.plan.access.tenancy import NOT_GRANTED, OTHERS, Tenancy
from rollmodel.plan.decision import Effect, Event, WriteRegistry
from rollmodel.plan.manifest import Manifest
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.registry import Connection, Registry
from rollmodel.reconcile.effects.deliveries import PATIENCE_SECONDS, Pending
from rollmodel.reconcile.effects.execution_state import ExecutionState, Handler, Refusal
from rollmodel.reconcile.effects.outbox import OutboxHandlers

__all__ = ["WRITE_WITHIN_SECONDS", "RegistryHandlers"]

#: So many seconds after the first write of a pass was decided no further one begins: it may rest on old news by then.
WRITE_WITHIN_SECONDS = 20.0


class RegistryHandlers(OutboxHandlers):
    """Moves aliases and sets tags. ``permit`` raises where that is no longer ours to do: writes go on beside passes.

    ``retry``: when to try again what the registry did not take, in seconds.
    """

    def __init__(
        self,
        kube: Kube,
        registry: Registry,
        wake: Callable[[str], None],
        tenancy: Tenancy,
        *,
        permit: Callable[[], None] = lambda: None,
        retry: float,
    ) -> None:
        super().__init__(kube, wake)
        self._permit = permit
        self._retry = retry
        self._registry = registry
        self._tenancy = tenancy

    @property
    def handlers(self) -> Mapping[type[Effect], Handler]:
        """By class of effect."""
        return {WriteRegistry: self._write}

    async def acknowledge(self, acting: ExecutionState) -> None:
        """Take from the outbox, where there is one, what needs no further try."""
        status: dict[str, Any] = dict(acting.body.get("status", {}))
        if not acting.settled or "outbox" not in status:
            return
        status["outbox"] = [entry for entry in status["outbox"] if entry["key"] not in acting.settled]
        await self._replace_status(acting, status)

    async def _write(self, effect: WriteRegistry, acting: ExecutionState) -> None:
        try:
            connection = await acting.connect()
        except RollmodelError as error:  # a connection that is missing says nothing about the write
            await self._keep(error, acting)
            return
        uid, since = acting.body["metadata"]["uid"], acting.writing_since or time.monotonic()
        acting.writing_since = since
        try:
            await self._deliveries.outcome(
                uid, effect, lambda: self._send(connection, effect, since, acting.body), until=since + PATIENCE_SECONDS
            )
        except Pending:
            acting.retries.append(self._retry)
        except RollmodelError as error:
            if error.reason == OTHERS:  # it is still wanted: the next pass says so in a condition
                acting.refused.append(Refusal(effect.key, str(error), transient=False))
            elif _is_refusal(error):
                await self._drop(effect, error, acting)
            else:
                await self._keep(error, acting)
        else:
            acting.settled.add(effect.key)
            acting.done.append(effect)

    async def _send(self, connection: Connection, effect: WriteRegistry, since: float, body: Manifest) -> None:
        if time.monotonic() - since > WRITE_WITHIN_SECONDS:
            raise Pending
        self._permit()
        namespace, owner = body["metadata"]["namespace"], None
        if connection.namespace is None:
            self._tenancy.check(namespace, models=[effect.model], aliases=[effect.alias])
            owner = self._tenancy.owner(namespace)
        if effect.tags:
            await self._registry.set_tags(connection, effect.model, effect.version, effect.tags)
        if effect.alias is not None:
            await self._registry.set_alias(connection, effect.model, effect.alias, effect.version, owner=owner)

    async def _drop(self, effect: WriteRegistry, error: RollmodelError, acting: ExecutionState) -> None:
        """The outbox forgets the write. One that is in no outbox is decided again, so a person has to know."""
        await self._kube.event(acting.body, Event("Warning", "RegistryWriteDropped", str(error)))
        acting.settled.add(effect.key)
        if not any(entry["key"] == effect.key for entry in acting.body.get("status", {}).get("outbox", ())):
            acting.refused.append(Refusal(effect.key, str(error), transient=False))

    async def _keep(self, error: RollmodelError, acting: ExecutionState) -> None:
        acting.login_refused = acting.login_refused or isinstance(error, Unauthorized)
        await self._try_again(acting, "RegistryWriteFailed", error, self._retry)


def _is_refusal(error: RollmodelError) -> bool:
    """Whether the registry itself, or the administrator, refuses this write. Others are about who answers."""
    return error.reason == NOT_GRANTED or _of_registry(error)


def _of_registry(error: RollmodelError) -> bool:
    """Errors with a reason of their own are about who answers."""
    return isinstance(error, Terminal) and not isinstance(error, Unauthorized) and error.reason == error.default_reason
