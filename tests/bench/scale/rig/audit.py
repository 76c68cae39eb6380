"""Requests to the API server as its own audit log counts them: exactly, and by user."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["QUIET_SECONDS", "Requests", "requests", "shares", "until_quiet"]

QUIET_SECONDS = 15.0
_PATIENCE_SECONDS = 1800.0
_READS = frozenset({"get", "list", "watch"})
_RECEIVED = re.compile(rb'"requestReceivedTimestamp":"([^"]+)"')


@dataclass(slots=True)
class Requests:
    """How many requests one user sent: watches, and the others by (verb, resource).

    ``last`` is when the last of the others arrived (unix time in seconds), 0 if there was none.
    """

    watches: int = 0
    others: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: float = 0.0

    @property
    def writes(self) -> int:
        """Requests that can change something."""
        return sum(count for (verb, _), count in self.others.items() if verb not in _READS)

    def each(self, objects: int) -> str:
        """The same per object, leaving out what is rare."""
        return shares(Counter({f"{verb} {what}": count for (verb, what), count in self.others.items()}), objects)

    def __str__(self) -> str:
        return ", ".join(f"{count} {verb} {what}" for (verb, what), count in self.others.most_common()) or "none"


def shares(counts: Counter[str], objects: int) -> str:
    """How many of each kind for one object, the most frequent first, leaving out what is rare."""
    each = ((count / objects, what) for what, count in counts.most_common())
    return ", ".join(f"{share:.1f} {what}" for share, what in each if share >= 0.05) or "none"


def requests(audit_log: Path, user: str, since: float, until: float) -> Requests:
    """What arrived between two moments (unix time in seconds), also in files that were rotated away meanwhile."""
    found = Requests()
    needle, begin, end = f'"username":"{user}"'.encode(), _stamp(since), _stamp(until)
    for path in audit_log.parent.glob(f"{audit_log.stem}*{audit_log.suffix}"):
        with path.open("rb") as lines:
            for line in lines:
                received = _RECEIVED.search(line)
                if needle in line and received and begin <= received[1] < end:
                    _count(found, json.loads(line))
    return found


async def until_quiet(audit_log: Path, user: str, since: float) -> Requests:
    """Wait until the user has sent nothing but watches for a while; what it sent since this moment (unix time)."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            now = time.time()
            sent = await asyncio.to_thread(requests, audit_log, user, since, now)
            if now - max(sent.last, since) > QUIET_SECONDS:
                return sent
            await asyncio.sleep(QUIET_SECONDS / 5)


def _count(found: Requests, event: dict[str, Any]) -> None:
    if event["verb"] == "watch":
        found.watches += event["stage"] == "ResponseStarted"  # each is logged twice, at its start and at its end
        return
    reference = event.get("objectRef", {})
    names = (reference.get("resource", "discovery"), reference.get("subresource"))
    found.others[event["verb"], "/".join(name for name in names if name)] += 1
    found.last = max(found.last, datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp())


def _stamp(moment: float) -> bytes:
    """As the audit log writes times; strings of this form sort as the times do."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
