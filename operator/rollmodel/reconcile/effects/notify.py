"""Tell webhooks what the outbox of an object's status holds, beside the pass: nothing ever waits for a receiver.

A receiver gets each message at least once: what was taken leaves the outbox, everything else is tried again, ever more
rarely, until the plan gives it up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rollmodel.api.fields.uris import server_url
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError
from rollmodel.plan.access.hosts import check_host
from rollmodel.plan.decision import Effect, Event, Notify, Ref
from rollmodel.plan.notifications import pause
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.webhooks import Notifier, Webhook
from rollmodel.reconcile.effects.deliveries import Deliveries, Pending
from rollmodel.reconcile.effects.execution_state import ExecutionState, Handler
from rollmodel.tls import check_ca

__all__ = ["NotifyHandlers"]

#: A pass waits that long for all its messages: enough for a receiver nearby.
_PATIENCE_SECONDS = 1.0


class NotifyHandlers:
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
        self._kube = kube
        self._notifier = notifier
        self._hosts = hosts
        self._read_secrets = read_secrets
        self._deliveries = Deliveries(wake)

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
        ref, version = Ref.of(acting.body), acting.body["metadata"]["resourceVersion"]
        acting.body = await self._kube.patch_status(ref, status, resource_version=version)

    def keep(self, uid: str, effects: Sequence[Effect]) -> None:
        """A pass decided on these effects: what became of others is forgotten."""
        self._deliveries.keep(uid, effects)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._deliveries.forget(uid)

    async def _notify(self, effect: Notify, acting: ExecutionState) -> None:
        uid, namespace = acting.body["metadata"]["uid"], acting.body["metadata"]["namespace"]
        try:
            await self._deliveries.outcome(
                uid, effect, lambda: self._send(namespace, effect), until=acting.began + _PATIENCE_SECONDS
            )
        except Pending:
            acting.retries.append(pause(effect.age))
        except RollmodelError as error:
            acting.retries.append(pause(effect.age))
            message = str(error)
            if message not in acting.said:
                acting.said.add(message)
                await self._kube.event(acting.body, Event("Warning", "NotificationFailed", message))
        else:
            acting.done.append(effect)

    async def _send(self, namespace: str, effect: Notify) -> None:
        if not self._read_secrets:
            raise Forbidden("this operator does not read Secrets of users: leave out `notify`")
        name = effect.secret
        try:
            data = await self._kube.read_secret(namespace, name)
        except NotFound:
            raise NotFound(f"Secret {name!r} of `notify.webhookRef` does not exist") from None
        except Forbidden:
            raise Forbidden(
                f"the operator may not read Secret {name!r}: create a Role in namespace {namespace!r} that grants `get`"
                " on it, and bind it to the operator's service account (config/examples/connection-secrets.yaml)"
            ) from None
        hook = _webhook(namespace, name, data)
        check_host(name, hook.url, self._hosts)
        if "specversion" not in effect.event:
            hook = replace(hook, content_type="application/json; charset=UTF-8")
        await self._notifier.send(hook, effect.event)


def _webhook(namespace: str, secret: str, data: Mapping[str, str]) -> Webhook:
    try:
        url = server_url(data.get("url", ""))
    except ValueError:
        message = f"Secret {secret!r} must have a key `url` with http(s)://host[:port][/path] and no user in it"
        raise Invalid(message) from None
    token, key, ca = (data.get(name, "").strip() or None for name in ("token", "signingKey", "ca"))
    try:
        ca = check_ca(ca) if ca else None
    except ValueError as error:
        raise Invalid(f"key `ca` of Secret {secret!r} {error}") from None
    return Webhook(url, token=token, key=key, ca=ca, namespace=namespace)
