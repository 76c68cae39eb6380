"""Tell webhooks what the outbox of an object's status holds, beside the pass: nothing ever waits for a receiver.

A receiver gets each message at least once: what was taken leaves the outbox, everything else is tried again, ever more
rarely, until the plan gives it up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rollmodel.errors import Forbidden, RollmodelError
from rollmodel.plan.decision import Effect, Notify
from rollmodel.plan.notifications import pause
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.webhooks import Notifier, Webhook
from rollmodel.reconcile.effects.deliveries import Pending
from rollmodel.reconcile.effects.execution_state import ExecutionState, Handler
from rollmodel.reconcile.effects.outbox import OutboxHandlers
from rollmodel.reconcile.user_secrets import UserSecrets

__all__ = ["NotifyHandlers"]

#: A pass waits that long for all its messages: enough for a receiver nearby.
_PATIENCE_SECONDS = 1.0


class NotifyHandlers(OutboxHandlers):
    """``hosts``: patterns of the hosts that Secrets may name; none: any. ``read_secrets``: whether they are read."""

    def __init__(
        self,
        kube: Kube,
        notifier: Notifier,
        wake: Callable[[str], None],
        *,
        hosts: Sequence[str] = (),
        read_secrets: bool = True,
    ) -> None:
        super().__init__(kube, wake)
        self._notifier = notifier
        self._read_secrets = read_secrets
        self._secrets = UserSecrets(kube, "notify.webhookRef", "http(s)://host[:port][/path]", hosts=hosts)

    @property
    def handlers(self) -> Mapping[type[Effect], Handler]:
        """By class of effect."""
        return {Notify: self._notify}

    async def acknowledge(self, acting: ExecutionState) -> None:
        """Take from the outbox what was sent."""
        sent = {effect.key for effect in acting.done if isinstance(effect, Notify)}
        if not sent:
            return
        status: dict[str, Any] = dict(acting.body.get("status", {}))
        left = [entry for entry in status.pop("notifications", None) or () if entry["id"] not in sent]
        if left:
            status["notifications"] = left
        await self._replace_status(acting, status)

    async def _notify(self, effect: Notify, acting: ExecutionState) -> None:
        uid, namespace = acting.body["metadata"]["uid"], acting.body["metadata"]["namespace"]
        try:
            await self._deliveries.outcome(
                uid, effect, lambda: self._send(namespace, effect), until=acting.began + _PATIENCE_SECONDS
            )
        except Pending:
            acting.retries.append(pause(effect.age))
        except RollmodelError as error:
            await self._try_again(acting, "NotificationFailed", error, pause(effect.age))
        else:
            acting.done.append(effect)

    async def _send(self, namespace: str, effect: Notify) -> None:
        if not self._read_secrets:
            raise Forbidden("this operator does not read Secrets of users: leave out `notify`")
        server = await self._secrets.read(namespace, effect.secret)
        hook = Webhook(
            server.url, token=server.text("token"), key=server.text("signingKey"), ca=server.ca, namespace=namespace
        )
        if "specversion" not in effect.event:
            hook = replace(hook, content_type="application/json; charset=UTF-8")
        await self._notifier.send(hook, effect.event)
