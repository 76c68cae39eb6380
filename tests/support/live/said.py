"""What Events say about an object, as ``kubectl describe`` would list them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["messages_about"]


def messages_about(name: str, events: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The last message by reason. Components that write ``events.k8s.io`` leave ``lastTimestamp`` empty."""
    mine = [event for event in events if event["involvedObject"]["name"] == name]
    return {event["reason"]: event["message"] for event in sorted(mine, key=_last_seen)}


def _last_seen(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
