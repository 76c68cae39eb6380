"""News for webhooks: CloudEvents 1.0, kept in status until they were sent or are too old.

A message has the same id at each try, so a receiver can tell a second delivery from a second event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, Self

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.conditions import Condition
from rollmodel.api.notify import NotificationStatus, Notify
from rollmodel.plan import decision as plan
from rollmodel.plan.conditions import ConditionDraft, merge_conditions
from rollmodel.plan.decision import Decision, EmitEvent, Event, Ref
from rollmodel.plan.naming import short_hash
from rollmodel.plan.times import seconds_since, stamp

__all__ = [
    "GIVE_UP_SECONDS",
    "LONGEST_PAUSE_SECONDS",
    "SHORTEST_PAUSE_SECONDS",
    "About",
    "cloud_event",
    "pause",
    "slack_message",
    "with_notifications",
]

#: A message that could not be sent for so long is dropped, with an Event.
GIVE_UP_SECONDS = 3600.0
#: So many wait at most; the oldest go first.
_MOST = 10
_CONDITION, _LONGEST = "Notified", 1024
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10.0, 600.0


def pause(age: float) -> float:
    """Seconds until the next try for a message of this age: each pause is about half as long as it has waited."""
    return min(max(age / 2.0, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)


def cloud_event(
    identity: str, what: str, *, about: Ref, plural: str, time: str, data: Mapping[str, Any]
) -> dict[str, Any]:
    """The event in structured mode. ``what`` ends its type: ``dev.rollmodel.driftpolicy.driftdetected``."""
    reversed_group = ".".join(reversed(GROUP.split(".")))
    return {
        "specversion": "1.0",
        "id": identity,
        "source": f"/apis/{about.api_version}/namespaces/{about.namespace}/{plural}/{about.name}",
        "type": f"{reversed_group}.{about.kind.lower()}.{what.lower()}",
        "subject": about.name,
        "time": time,
        "datacontenttype": "application/json",
        "data": dict(data),
    }


def slack_message(what: str, message: str, *, about: Ref) -> dict[str, Any]:
    """One line of text for an incoming webhook. What would be a link or a call for people is plain text in it."""
    where = f"{about.kind} {about.namespace}/{about.name}"
    return {"text": f"*{_plain(what)}* {_plain(where)}: {_plain(message)}"}


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Spec(Protocol):
    @property
    def notify(self) -> Notify | None: ...


class _Status(Protocol):
    @property
    def notifications(self) -> Sequence[NotificationStatus] | None: ...


class Observed(Protocol):
    """What the observed objects of all kinds have."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def spec(self) -> _Spec: ...
    @property
    def status(self) -> _Status: ...


@dataclass(frozen=True, slots=True)
class About:
    """The object that the news are about. ``waiting`` are the messages of its status, from before this pass."""

    kind: str
    plural: str
    namespace: str
    name: str
    uid: str
    generation: int
    notify: Notify | None
    waiting: Sequence[NotificationStatus]

    @property
    def ref(self) -> Ref:
        """Kind, namespace and name of the object that the message is about."""
        return Ref(f"{GROUP}/{VERSION}", self.kind, self.namespace, self.name)

    @classmethod
    def of(cls, kind: str, observed: Observed) -> Self:
        """The object of this kind that a pass has observed."""
        return cls(
            kind=kind,
            plural=f"{kind[:-1]}ies".lower() if kind.endswith("y") else f"{kind}s".lower(),
            namespace=observed.namespace,
            name=observed.name,
            uid=observed.uid,
            generation=observed.generation,
            notify=observed.spec.notify,
            waiting=observed.status.notifications or (),
        )


def with_notifications(
    decision: Decision,
    about: About,
    *,
    now: datetime,
    data: Mapping[str, Any],
    told: Callable[[Event], bool] = lambda _: True,
) -> Decision:
    """With the news of this pass in ``status.notifications``, and all that wait there to be sent.

    News are the Events that are ``told``. ``data`` is what every message says beside reason and message. ``Notified``
    says whether the webhook hears us: what waits since before this pass was tried already.
    """
    if about.notify is None:
        return _without(decision)
    late = [one for one in about.waiting if seconds_since(one.time, now) > GIVE_UP_SECONDS]
    tried = [one for one in about.waiting if one not in late]
    news = [_news(about, one.event, now) for one in decision.of(EmitEvent) if told(one.event)]
    lost = len(late) + max(0, len(tried) + len(news) - _MOST)
    waiting = [*tried, *news][-_MOST:]
    effects = decision.effects
    if lost:
        message = f"{lost} messages could not be sent to the webhook of `notify` in time"
        effects = (*effects, EmitEvent(Event("Warning", "NotificationDropped", message)))
    sending = [_effect(about, about.notify, one, now, data) for one in waiting]
    line = ConditionDraft("True", "NothingWaits")
    if tried:
        message = f"{len(tried)} messages wait, the oldest since {tried[0].time}"
        line = ConditionDraft("False", "Waiting", message)
    known = [Condition.model_validate(one) for one in decision.status.get("conditions", ())]
    conditions = merge_conditions(known, {_CONDITION: line}, generation=about.generation, now=now)
    status = {**decision.status, "conditions": [one.to_wire() for one in conditions]}
    status.pop("notifications", None)
    if waiting:
        status["notifications"] = [one.to_wire() for one in waiting]
    return replace(decision, status=status, effects=(*effects, *sending))


def _without(decision: Decision) -> Decision:
    """Nobody is told: nothing waits, and nothing is said about it."""
    conditions = decision.status.get("conditions", ())
    if "notifications" not in decision.status and not any(one["type"] == _CONDITION for one in conditions):
        return decision
    status = {key: value for key, value in decision.status.items() if key != "notifications"}
    status["conditions"] = [one for one in conditions if one["type"] != _CONDITION]
    return replace(decision, status=status)


def _news(about: About, event: Event, now: datetime) -> NotificationStatus:
    identity = short_hash(f"{about.uid}/{stamp(now)}/{event.reason}/{event.message}")
    return NotificationStatus(id=identity, reason=event.reason, message=event.message[:_LONGEST], time=stamp(now))


def _effect(
    about: About, notify: Notify, one: NotificationStatus, now: datetime, data: Mapping[str, Any]
) -> plan.Notify:
    if notify.format == "Slack":
        event = slack_message(one.reason, one.message, about=about.ref)
    else:
        said = {"uid": about.uid, **data, "reason": one.reason, "message": one.message}
        told = {key: value for key, value in said.items() if value is not None}
        event = cloud_event(one.id, one.reason, about=about.ref, plural=about.plural, time=one.time, data=told)
    age = max(0.0, seconds_since(one.time, now))
    return plan.Notify(one.id, notify.webhook_ref.name, event, age=age)
