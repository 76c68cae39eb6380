"""Who is told what happens to an object, beside Event, metric and condition."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, LocalRef, ShortText, Timestamp
from rollmodel.api.schema import ATOMIC

__all__ = ["NotificationStatus", "Notifications", "Notify"]


class Notify(ApiModel):
    """A webhook that is told what Events tell: each decision once, tried for an hour, never in the way of a pass."""

    webhook_ref: LocalRef
    """Secret with `url`, and optionally `token`, `signingKey` and `ca`, of a webhook. With a `signingKey` the header
    `X-Rollmodel-Signature-256` is the body's HMAC-SHA256."""
    format: Literal["CloudEvents", "Slack"] = "CloudEvents"
    """`CloudEvents` in JSON, for programs; `Slack` is one line of text, as incoming webhooks of chats take it."""


class NotificationStatus(ApiModel):
    """A message for the webhook that waits to be sent."""

    id: ShortText
    """The same at each try."""
    reason: ShortText
    """What it tells."""
    message: ShortText
    """The same in words."""
    time: Timestamp
    """When it happened."""


Notifications = Annotated[list[NotificationStatus] | None, Field(max_length=20), ATOMIC]
