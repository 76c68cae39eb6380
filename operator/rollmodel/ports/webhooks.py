"""Webhooks of users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Notifier", "Webhook"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where news go, as a Secret of ``namespace`` says. ``repr`` shows nothing: the address may be a secret, too."""

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    """What messages are signed with."""
    ca: str | None = field(default=None, repr=False)
    """Certificates of a private authority (PEM), trusted beside the public ones."""
    namespace: str | None = None
    content_type: str = "application/cloudevents+json; charset=UTF-8"


class Notifier(Protocol):
    """Webhooks of users."""

    async def send(self, hook: Webhook, event: Mapping[str, Any]) -> None:
        """Send this as JSON, once. Raises Invalid (it was refused) or Unavailable."""
        ...
