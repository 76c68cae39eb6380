"""News for webhooks: CloudEvents 1.0, kept in status until they were sent or are too old.

A message has the same id at each try, so a receiver can tell a second delivery from a second event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.plan.decision import Ref

__all__ = ["GIVE_UP_SECONDS", "LONGEST_PAUSE_SECONDS", "SHORTEST_PAUSE_SECONDS", "cloud_event", "pause"]

#: A message that could not be sent for so long is dropped, with an Event.
GIVE_UP_SECONDS = 3600.0
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
