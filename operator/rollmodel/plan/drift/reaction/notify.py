"""What a webhook is told about a DriftPolicy: the same news as in Events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.driftpolicy import NotificationStatus
from rollmodel.plan.decision import Event, Notify, Ref
from rollmodel.plan.naming import short_hash
from rollmodel.plan.notifications import GIVE_UP_SECONDS, cloud_event
from rollmodel.plan.times import seconds_since

if TYPE_CHECKING:
    from rollmodel.plan.drift.draft import Draft

__all__ = ["TOLD", "with_news"]

#: Reasons of Events that a webhook is told.
TOLD = frozenset(
    {
        "Blind",
        "DriftDetected",
        "DriftCleared",
        "RetrainSuggested",
        "RetrainAwaitsApproval",
        "RetrainStarted",
        "RetrainFailed",
        "RetrainPromoted",
    }
)
#: So many wait at most; the oldest go first.
_MOST = 10


def with_news(draft: Draft) -> Draft:
    """With the news of this pass in the outbox, and all that wait there to be sent. Last, when all is decided."""
    if draft.observed.spec.notify is None:
        return draft.set(notifications=None)
    waiting = list(draft.status.notifications or ())
    late = [one for one in waiting if seconds_since(one.time, draft.observed.now) > GIVE_UP_SECONDS]
    waiting = [one for one in waiting if one not in late]
    waiting += [_news(draft, one.event) for one in draft.emitted if one.event.reason in TOLD]
    lost, waiting = len(late) + max(0, len(waiting) - _MOST), waiting[-_MOST:]
    if lost:
        message = f"{lost} messages could not be sent to the webhook of `notify` in time"
        draft = draft.event("Warning", "NotificationDropped", message)
    draft = draft.set(notifications=waiting or None)
    for one in waiting:
        draft = draft.effect(_effect(draft, one))
    return _condition(draft)


def _news(draft: Draft, event: Event) -> NotificationStatus:
    observed = draft.observed
    identity = short_hash(f"{observed.uid}/{draft.now}/{event.reason}/{event.message}")
    return NotificationStatus(id=identity, reason=event.reason, message=event.message, time=draft.now)


def _effect(draft: Draft, one: NotificationStatus) -> Notify:
    observed, status = draft.observed, draft.status
    assert observed.spec.notify is not None  # noqa: S101  asked above
    data = {
        "uid": observed.uid,
        "modelDeployment": observed.spec.model_deployment_ref.name,
        "revision": status.profile.revision if status.profile is not None else None,
        "reason": one.reason,
        "message": one.message,
        "episode": status.episode.number if status.episode is not None else None,
    }
    event = cloud_event(
        one.id,
        one.reason,
        about=Ref(f"{GROUP}/{VERSION}", "DriftPolicy", observed.namespace, observed.name),
        plural="driftpolicies",
        time=one.time,
        data={key: value for key, value in data.items() if value is not None},
    )
    age = max(0.0, seconds_since(one.time, observed.now))
    return Notify(one.id, observed.spec.notify.webhook_ref.name, event, age=age)


def _condition(draft: Draft) -> Draft:
    """Whether the webhook hears us: what waits since before this pass was tried already."""
    tried = [one for one in draft.status.notifications or () if one.time != draft.now]
    if not tried:
        return draft.say("Notified", "True", "NothingWaits")
    return draft.say("Notified", "False", "Waiting", f"{len(tried)} messages wait, the oldest since {tried[0].time}")
